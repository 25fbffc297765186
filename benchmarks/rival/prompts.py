"""Prompts for the models of this repository, as ids, so that both sides read the same."""

import itertools
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


def answer(server, messages, least):
    """What a baichuan4j answers greedily; None where it is not longer than so many tokens."""
    body = {"max_tokens": 100, "temperature": 0, "repetition_penalty": 1}
    body["messages"] = [{"role": role, "content": content} for role, content in messages]
    answered = server.post("/v1/chat/completions", body)
    choice = answered["choices"][0]
    long = choice["finish_reason"] == "stop" and answered["usage"]["completion_tokens"] > least
    return choice["message"]["content"] if long else None


def answered(server, count, least):
    """Questions whose answers are longer than so many tokens."""
    asked = (question for question in questions(None) if answer(server, question[:1], least))
    return list(itertools.islice(asked, count))


def recitals(server, count, least):
    """A conversation in which the model has recited a poem of more than so many tokens, and again.

    What it recites is what `server` has written, so that it is what it writes again.
    """
    texts = []
    for conversation in conversations():
        asked = [*conversation[:2], ("user", "请背诵这首诗。")]
        if "《" in asked[0][1] and len(texts) < count:
            poem = answer(server, asked, least)
            if poem:
                texts.append([*asked, ("assistant", poem), *asked, ("assistant", "")])
    return texts
