#!/usr/bin/env python3
"""Measures baichuan4j beside llama.cpp: the same shapes, threads and machine, in turn in one run.

  compare.py --llama.cpp BUILD --models FOLDER [--out FILE.md] [options]

BUILD is a build folder of llama.cpp with llama-bench, llama-batched-bench and llama-quantize; its
src/models/baichuan.cpp has to take a model of the shapes' numbers of layers for a 7B (RoPE). --ik BUILD
is one of ik_llama.cpp, whose src/llama-hparams.cpp has to do the same.
FOLDER keeps the models; those that are missing are made (make_gguf.py, tools/RandomCheckpoint.java,
`baichuan quantize`). Rows:

  pp512, pp4096   tokens per second of a prompt
  tg@512          tokens per second of generation, 512 positions in the cache
  batch8          tokens per second of 8 texts together
  load            seconds from the start of the program to the first token, of files that hold the
                  weights as they are multiplied and are in the page cache

`--weights int3` is measured beside Q4_0, which int3 is to replace (docs/calibration.md).

Each round runs every row once on each side; figures are medians over the rounds. llama.cpp gets the
better of -fa 0 and -fa 1 for each row, ik_llama.cpp that of -rtr 0 and -rtr 1 with -fa 1. Shares of limits: bytes or operations that `baichuan bench`
counts by those that `cpu_bench peaks` reached in the same run. Needs Python alone.
"""

import argparse
import collections
import datetime
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = {"bf16": "bf16", "int8": "q8_0", "int4": "q4_0", "int3": "q4_0"}
USUAL = ["bf16", "int8", "int4"]
ROWS = ["pp512", "pp4096", "tg@512", "batch8", "load"]
NEW_TOKENS = 32
DEPTH = 512  # positions in the cache in front of them
BATCH = 8


def output_of(command, **keywords):
    command = [str(part) for part in command]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.decode()}")
    return done.stdout.decode()


def text_of(command):
    """Both streams of a command, which may log on either."""
    command = [str(part) for part in command]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{text[-3000:]}")
    return text


def seconds_of(command):
    start = time.monotonic()
    output_of(command)
    return time.monotonic() - start


class Ours:
    def __init__(self, options):
        self.options = options
        self.facts = {}

    def bench(self, model, *arguments):
        command = [self.options.baichuan, "bench", *model, "-r", 1]
        command += ["--threads", self.options.threads, "--json", *arguments]
        return json.loads(output_of(command))

    def generation(self, model):
        return self.bench(model, "-p", 1, "-n", NEW_TOKENS + 1, "-d", DEPTH)[1]

    def measure(self, row, shape, kind):
        o = self.options
        if row == "load":
            command = [o.baichuan, "logits", "--model", checkpoint(o, shape, kind), "--ids", 1]
            return seconds_of([*command, "--weights", kind, "--threads", o.threads])
        model = ["--random", shape, "--weights", kind]
        if row == "batch8":
            result = self.bench(model, "-p", 1, "-n", NEW_TOKENS, "--batch", BATCH)[1]
        elif row == "tg@512":
            result = self.generation(model)
        else:
            result = self.bench(model, "-p", row[2:], "-n", 1)[0]
        rate = result["tokens_per_second"]
        self.facts[row, shape, kind] = (result["gb_per_second"] / rate, result["gflops"] / rate)
        return rate


class LlamaCpp:
    """A build of llama.cpp; a way is what it is measured with besides, of which the best counts."""

    name = "llama.cpp"

    def __init__(self, build, options):
        self.build = build
        self.options = options
        self.commit = None
        self.ways = [("-fa", value) for value in options.flash]

    def measure(self, row, file, way):
        threads = ["-t", self.options.threads]
        if row == "batch8":
            return self.batch([self.build / "bin/llama-batched-bench", "-m", file, *threads], way)
        command = [self.build / "bin/llama-bench", "-m", file, *threads, "-r", 1, "-o", "json", *way]
        if row == "load":
            return seconds_of([*command, "-p", 0, "-n", 1, *self.NO_WARMUP])
        if row == "tg@512":
            command += self.generation()
        else:
            command += ["-p", row[2:], "-n", 0]
        result = json.loads(output_of(command))[-1]
        self.commit = result["build_commit"]
        return result["avg_ts"]

    NO_WARMUP = ["--no-warmup"]

    def generation(self):
        return ["-p", 0, "-n", NEW_TOKENS, "-d", DEPTH]

    def batch(self, command, way):
        command += ["-c", 2048, "-npp", 1, "-ntg", NEW_TOKENS, "-npl", BATCH]
        command += ["-fa", "on" if way[1] == "1" else "off", "--output-format", "jsonl"]
        lines = [line for line in output_of(command).splitlines() if line.startswith("{")]
        return json.loads(lines[-1])["speed_tg"]


class IkLlamaCpp(LlamaCpp):
    """A build of ik_llama.cpp, with its weights in the order that its kernels like best, or not."""

    name = "ik_llama.cpp"
    NO_WARMUP = ["-w", 0]

    def __init__(self, build, options):
        super().__init__(build, options)
        self.ways = [("-fa", "1", "-rtr", value) for value in "01"]

    def generation(self):
        return ["-p", 0, "-n", 0, "-gp", f"{DEPTH},{NEW_TOKENS}"]

    def batch(self, command, way):
        command += ["-c", 2048, "-npp", 1, "-ntg", NEW_TOKENS, "-npl", BATCH, "-fa", "on"]
        command += ["-rtr"] if way[-1] == "1" else []
        return float(re.findall(r"^\|(.*)\|$", text_of(command), re.M)[-1].split("|")[7])


def gguf(options, shape, kind):
    path = options.models / f"{shape}-{kind}.gguf"
    if not path.exists():
        script = pathlib.Path(__file__).with_name("make_gguf.py")
        output_of([script, "--llama.cpp", options.build, shape, kind, path])
    return path


def checkpoint(options, shape, kind):
    """As published for bf16, else as `baichuan quantize` writes it."""
    path = options.models / f"{shape}-{kind}"
    if path.exists():
        return path
    if kind == "bf16":
        output_of(["java", "tools/RandomCheckpoint.java", path.absolute(), shape], cwd=ROOT)
    else:
        published = checkpoint(options, shape, "bf16")
        command = [options.baichuan, "quantize", "--model", published, "--weights", kind]
        output_of([*command, "--out", path])
    return path


def peaks(options):
    """GB/s, and GOP/s of the weights' kinds."""
    text = output_of([options.cpu_bench, "peaks", "--threads", options.threads])
    line = text.splitlines()[0]
    read, int8, bf16, f32 = (
        float(re.search(pattern, line)[1])
        for pattern in (r"read ([\d.]+)", r"int8 (\d+)", r"bf16 (\d+),", r"f32 (\d+)")
    )
    return {"read": read, "int8": int8, "int4": int8, "int3": int8, "bf16": bf16 or f32}


def machine(options):
    info = pathlib.Path("/proc/cpuinfo").read_text()
    names = re.findall(r"model name\s*: (.*)", info)
    flags = re.search(r"flags\s*: (.*)", info)[1].split()
    sets = [name for name in ("avx2", "avx_vnni", "avx512_vnni", "avx512_bf16") if name in flags]
    commit = output_of(["git", "-C", ROOT, "describe", "--always", "--dirty"]).strip()
    load = os.getloadavg()[0]
    return (
        f"{names[0]}, {len(names)} logical processors ({', '.join(sets)}); {options.threads} threads; "
        f"{datetime.date.today()}; load average {load:.1f} at the start; baichuan4j {commit}"
    )


def table(options, ours, rivals, results, limits):
    for shape in options.shapes:
        yield f"\n`{shape}`, tokens per second (load: seconds)\n"
        yield (
            "| row | weights | baichuan4j | "
            + "".join(f"{rival.name} | | ratio | " for rival in rivals)
            + "baichuan4j, least to most | share |"
        )
        yield "|---|---|--:|" + "--:|---|--:|" * len(rivals) + "---|---|"
        for row in options.rows:
            for kind in options.weights:
                mine = results[row, shape, kind, "ours"]
                own = statistics.median(mine)
                cells = ""
                for rival in rivals:
                    sides = {way: results[row, shape, kind, rival.name, way] for way in rival.ways}
                    medians = {way: statistics.median(values) for way, values in sides.items()}
                    best = (min if row == "load" else max)(medians, key=medians.get)
                    ratio = medians[best] / own if row == "load" else own / medians[best]
                    cells += f"{medians[best]:.2f} | {' '.join(best)} | {ratio:.2f} | "
                share = ""
                if row != "load":
                    gb, gflop = (own * fact for fact in ours.facts[row, shape, kind])
                    memory, compute = gb / limits["read"], gflop / limits[kind]
                    share = f"{100 * max(memory, compute):.0f} % of "
                    share += "memory" if memory > compute else "operations"
                yield (
                    f"| {row} | {kind} | {own:.2f} | {cells}"
                    f"{min(mine):.2f} to {max(mine):.2f} | {share} |"
                )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    split = lambda text: text.split(",")
    parser.add_argument("--llama.cpp", dest="build", type=pathlib.Path, required=True)
    parser.add_argument("--ik", type=pathlib.Path, help="a build folder of ik_llama.cpp")
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, help="the report, also on standard output")
    shapes = "4096x2x11008x32000,1024x32x2752x32000"
    parser.add_argument("--shapes", type=split, default=shapes.split(","), help=shapes)
    parser.add_argument("--weights", type=split, default=USUAL, help=",".join(KINDS))
    parser.add_argument("--rows", type=split, default=ROWS, help=",".join(ROWS))
    parser.add_argument("--flash", type=split, default=["0", "1"], help="values of -fa: 0,1")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--baichuan", type=pathlib.Path, default=ROOT / "baichuan")
    native = ROOT / "native/target/cmake/cpu_bench"
    parser.add_argument("--cpu-bench", type=pathlib.Path, default=native, help=str(native))
    options = parser.parse_args()
    for name, known in (("weights", KINDS), ("rows", ROWS)):
        for value in getattr(options, name):
            if value not in known:
                parser.error(f"--{name} has value {value}, expected {','.join(known)}")
    options.models.mkdir(parents=True, exist_ok=True)
    ours, rivals = Ours(options), [LlamaCpp(options.build, options)]
    if options.ik:
        rivals.append(IkLlamaCpp(options.ik, options))
    results = collections.defaultdict(list)
    limits = []
    head = machine(options)
    for shape in options.shapes:
        for kind in options.weights:
            gguf(options, shape, KINDS[kind])
            if "load" in options.rows:
                checkpoint(options, shape, kind)
    for number in range(options.rounds):
        limits.append(peaks(options))
        for shape in options.shapes:
            for kind in options.weights:
                for row in options.rows:
                    print(f"round {number + 1}: {shape} {kind} {row}", file=sys.stderr)
                    results[row, shape, kind, "ours"].append(ours.measure(row, shape, kind))
                    for rival in rivals:
                        for way in rival.ways:
                            value = rival.measure(row, gguf(options, shape, KINDS[kind]), way)
                            results[row, shape, kind, rival.name, way].append(value)
    middle = {name: statistics.median(limit[name] for limit in limits) for name in limits[0]}
    lines = [
        f"# baichuan4j beside {' and '.join(rival.name for rival in rivals)}\n\n{head}; "
        + ", ".join(f"{rival.name} {rival.commit or 'of the build folder'}" for rival in rivals)
        + ".",
        f"\n`{' '.join(pathlib.Path(a).name if '/' in a else a for a in sys.argv)}`: medians of "
        f"{options.rounds} rounds. Limits of the same run: reading {middle['read']:.1f} GB/s, int8 "
        f"{middle['int8']:.0f} GOP/s, bf16 {middle['bf16']:.0f} GFLOP/s.",
        *table(options, ours, rivals, results, middle),
    ]
    report = "\n".join(lines) + "\n"
    print(report)
    if options.out:
        options.out.write_text(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
