"""Prompts for the models of this repository, as ids, so that both sides read the same."""

import json

import compare

BASE = compare.ROOT / "models/tiny-baichuan-7b"
CHAT = compare.ROOT / "models/tiny-baichuan2-13b-chat"
EVAL = compare.ROOT / "models/eval"
USER, ASSISTANT = 195, 196  # role ids of Baichuan 2


def beginnings(count):
    """For the base model: titles and first lines of poems."""
    poems = (EVAL / "poems-taught.txt").read_text().split("\n\n")
    poems = [poem.strip().split("\n") for poem in poems]
    return [[("", "\n".join(poem[:2]) + "\n")] for poem in poems if len(poem) > 3][:count]


def questions(count):
    """For the chat model: first questions of conversations."""
    return [[*conversation[:1], ("assistant", "")] for conversation in conversations()][:count]


def conversations():
    lines = (EVAL / "chat-taught.jsonl").read_text().splitlines()
    return [
        [(message["role"], message["content"]) for message in json.loads(line)["messages"]]
        for line in lines
    ]


def ids(program, folder, texts):
    """Ids of lists of messages; a role is "" for a text without one."""
    lines = [json.dumps(content, ensure_ascii=False) for text in texts for _, content in text]
    command = [program, "tokenize", "--model", folder, "--lines"]
    output = compare.output_of(command, input="\n".join(lines).encode())
    encoded = iter(json.loads(line) for line in output.splitlines())
    roles = {"": [], "user": [USER], "assistant": [ASSISTANT]}
    return [[id for role, _ in text for id in [*roles[role], *next(encoded)]] for text in texts]


def recitals(server, count):
    """For the chat model: a conversation in which it has recited a poem, and the same again.

    What it recites comes from `server`, a baichuan4j: so it is what it writes, and writes again.
    """
    texts = []
    for conversation in conversations():
        if len(texts) == count:
            break
        asked = [*conversation[:2], ("user", "请背诵这首诗。")]
        messages = [{"role": role, "content": content} for role, content in asked]
        body = {"messages": messages, "max_tokens": 60, "temperature": 0, "repetition_penalty": 1}
        choice = server.post("/v1/chat/completions", body)["choices"][0]
        if "《" in asked[0][1] and choice["finish_reason"] == "stop":
            answer = ("assistant", choice["message"]["content"])
            texts.append([*asked, answer, *asked, ("assistant", "")])
    return texts
