#!/usr/bin/env python3
"""Whether an unmodified llama.cpp chooses the ids that baichuan4j chooses, from files of `baichuan convert`.

  same_ids.py --llama.cpp SOURCE --models FOLDER [options]

SOURCE is llama.cpp with a build in SOURCE/build of which libllama is needed alone:
  cmake -S SOURCE -B SOURCE/build -DBUILD_SHARED_LIBS=ON && cmake --build SOURCE/build --target llama

Each model is converted to a GGUF of f32 in FOLDER. llama.cpp reads that with a cache of f32
(greedy_ids.cpp, built here against libllama), and baichuan4j reads the model itself and the GGUF, with
activations in f32. All three get the same ids and choose 64 more greedily. The exit code is 1 if any
differ. --kinds q8_0,q4_0 prints in the same way how far files with codes agree, without judging it.
"""

import argparse
import json
import pathlib
import sys

import compare
import prompts

NEW = 64
MICRO = ["micro-baichuan-7b", "micro-baichuan2-13b", "micro-llama3", "micro-mistral", "micro-qwen2", "micro-qwen3"]


def built(source, folder):
    """The program that chooses with llama.cpp."""
    program = folder / "greedy_ids"
    libraries = source / "build/bin"
    command = ["g++", "-std=c++17", "-O2", pathlib.Path(__file__).with_name("greedy_ids.cpp")]
    command += [f"-I{source}/include", f"-I{source}/ggml/include", f"-L{libraries}"]
    command += ["-lllama", "-lggml", "-lggml-base", f"-Wl,-rpath,{libraries}", "-o", program]
    compare.output_of(command)
    return program


def theirs(program, model, ids):
    output = compare.output_of([program, model, NEW, *ids])
    return [int(id) for id in output.split()]


def ours(options, model, ids):
    command = [options.baichuan, "generate", "--model", model, "--weights", "bf16", "--exact"]
    command += ["--ids", ",".join(map(str, ids)), "--greedy", "--max-new-tokens", str(NEW)]
    command += ["--ignore-eos", "--repetition-penalty", "1", "--device", "cpu", "--json"]
    return json.loads(compare.output_of(command))["token_ids"]


def converted(options, folder, kind):
    target = options.models / f"{folder.name}-{kind}.gguf"
    if not target.exists():
        command = [options.baichuan, "convert", "--model", folder, "--to", "gguf"]
        compare.output_of([*command, "--weights", kind, "--out", target])
    return target


def texts(options):
    """Folders with the ids that they continue."""
    base = prompts.ids(options.baichuan, prompts.BASE, prompts.beginnings(options.prompts))
    chat = prompts.ids(options.baichuan, prompts.CHAT, prompts.questions(options.prompts))
    micro = [[1, 5, 17, 40, 3, 60, 22, 9]]
    fixtures = compare.ROOT / "src/test/fixtures"
    return [(prompts.BASE, base), (prompts.CHAT, chat)] + [(fixtures / name, micro) for name in MICRO]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llama.cpp", dest="source", type=pathlib.Path, required=True)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--prompts", type=int, default=3, help="for each shipped model; default: 3")
    parser.add_argument("--kinds", default="", help="also these kinds of weights, such as q8_0,q4_1")
    parser.add_argument("--baichuan", type=pathlib.Path, default=compare.ROOT / "baichuan")
    options = parser.parse_args()
    options.models.mkdir(parents=True, exist_ok=True)
    program = built(options.source, options.models)
    different = 0
    for folder, all_ids in texts(options):
        model = converted(options, folder, "f32")
        for ids in all_ids:
            mine, there, read = ours(options, folder, ids), theirs(program, model, ids), ours(options, model, ids)
            same = mine == there == read and len(mine) == NEW
            different += not same
            print(f"{folder.name}: {len(ids)} ids, {'the same' if same else 'DIFFERENT'} {NEW} in all three")
            if not same:
                print(f"  ours      {mine}\n  llama.cpp {there}\n  its file  {read}")
        for kind in filter(None, options.kinds.split(",")):
            there = theirs(program, converted(options, folder, kind), all_ids[0])
            mine = ours(options, folder, all_ids[0])
            shared = next((i for i in range(NEW) if mine[i] != there[i]), NEW)
            print(f"{folder.name}: llama.cpp from {kind} has the first {shared} of {NEW} ids")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
