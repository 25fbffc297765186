#!/usr/bin/env python3
"""Whether llama.cpp writes the text that baichuan4j writes, with the models of this repository.

  same_text.py --llama.cpp BUILD --models FOLDER [options]

convert_gguf.py makes f32 GGUFs of them in FOLDER. Both sides are servers, get the same ids and choose
greedily; baichuan4j keeps activations in f32 (--exact), llama.cpp its cache too. A line says where the
texts of a prompt part. The exit code is 1 if any do.
"""

import argparse
import os
import pathlib
import sys

import compare
import prompts
import servers

NEW = 64


def ours(options, folder, ids):
    with servers.baichuan(options.baichuan, folder, "bf16", options.threads, "--exact") as server:
        body = {"max_tokens": NEW, "temperature": 0, "repetition_penalty": 1}
        return [
            server.post("/v1/completions", body | {"prompt": prompt})["choices"][0]["text"]
            for prompt in ids
        ]


def theirs(options, folder, ids):
    model = options.models / f"{folder.name}-f32.gguf"
    if not model.exists():
        script = pathlib.Path(__file__).with_name("convert_gguf.py")
        compare.output_of([script, folder, "f32", model])
    cache = ["-ctk", "f32", "-ctv", "f32"]
    with servers.llama(options.build, model, options.threads, 1, 1024, *cache) as server:
        body = {"n_predict": NEW, "temperature": 0, "cache_prompt": False}
        return [server.post("/completion", body | {"prompt": prompt})["content"] for prompt in ids]


def shared(one, other):
    return next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llama.cpp", dest="build", type=pathlib.Path, required=True)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--prompts", type=int, default=20, help="for each model; default: 20")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--baichuan", type=pathlib.Path, default=compare.ROOT / "baichuan")
    options = parser.parse_args()
    options.models.mkdir(parents=True, exist_ok=True)
    different = 0
    for folder, texts in (
        (prompts.BASE, prompts.beginnings(options.prompts)),
        (prompts.CHAT, prompts.questions(options.prompts)),
    ):
        ids = prompts.ids(options.baichuan, folder, texts)
        pairs = list(zip(ours(options, folder, ids), theirs(options, folder, ids)))
        parted = [(i, shared(*pair)) for i, pair in enumerate(pairs) if pair[0] != pair[1]]
        print(f"{folder.name}: {len(pairs) - len(parted)} of {len(pairs)} texts are the same")
        for i, at in parted:
            mine, other = (text[at : at + 12] for text in pairs[i])
            print(f"  prompt {i}: after {at} characters {mine!r}, llama.cpp {other!r}")
        different += len(parted)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
