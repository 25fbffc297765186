#!/usr/bin/env python3
"""Serves many clients beside llama.cpp's server: the same shape, threads and machine, in turn in one run.

  serve.py --llama.cpp BUILD --models FOLDER [--out FILE.md] [options]

BUILD is a build folder of llama.cpp with llama-server and llama-quantize, as for compare.py. Rows:

  N clients   tokens per second of N texts at a time, each with a prompt of 32 ids and 64 new tokens;
              twice as many requests as clients, all there at once
  prefix      milliseconds to the first token of a prompt that begins with 2,000 ids which the prompt
              before had, and ends with 20 of its own

baichuan4j runs in `baichuan bench --serve`, in one process with its clients; llama.cpp's server
behind HTTP on this machine, without streaming. Both take ids, choose greedily and ignore end
markers. Each round runs every row once on each side; figures are medians over the rounds.
"""

import argparse
import concurrent.futures
import contextlib
import datetime
import json
import os
import pathlib
import random
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

import compare

PROMPT, NEW = 32, 64
SHARED, OWN = 2000, 20
PREFIX_REQUESTS = 6  # the first one reads what the others share
SLOT = 128  # positions of a client's text, at least PROMPT + NEW
# Pieces that are single bytes: the server refuses texts that are not UTF-8, as random ones would be.
NO_BYTES = [[id, False] for id in range(3, 259)]


class Ours:
    def __init__(self, options):
        self.options = options

    def bench(self, *arguments):
        o = self.options
        command = [o.baichuan, "bench", "--serve", "--random", o.shape, "--weights", "int4"]
        command += ["--threads", o.threads, "--json", *arguments]
        return json.loads(compare.output_of(command))

    def clients(self, count):
        arguments = ["--requests", 2 * count, "--max-concurrent", count]
        arguments += ["--prompt-tokens", PROMPT, "--new-tokens", NEW]
        return self.bench(*arguments)["generated_tokens_per_second"]

    def prefix(self):
        arguments = ["--requests", PREFIX_REQUESTS, "--rate", 0.5, "--max-concurrent", 1]
        arguments += ["--prompt-tokens", SHARED + OWN, "--shared-prefix", SHARED]
        return self.bench(*arguments, "--new-tokens", 1)["time_to_first_token_ms"]["p50"]


class Rival:
    def __init__(self, options):
        self.options = options
        self.model = compare.gguf(options, options.shape, "q4_0")

    @contextlib.contextmanager
    def server(self, parallel, slot):
        o = self.options
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [o.build / "bin/llama-server", "-m", self.model, "-t", o.threads, "-tb", o.threads]
        command += ["-c", parallel * slot, "--parallel", parallel, "--host", "127.0.0.1"]
        command += ["--port", port, "-fa", "on"]
        process = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            self.url = f"http://127.0.0.1:{port}"
            self.wait(process)
            yield
        finally:
            process.terminate()
            process.wait()

    def wait(self, process):
        for _ in range(600):
            if process.poll() is not None:
                sys.exit(f"llama-server ended with {process.returncode}")
            with contextlib.suppress(urllib.error.URLError):
                if urllib.request.urlopen(self.url + "/health").status == 200:
                    return
            time.sleep(0.1)
        sys.exit("llama-server is not ready after 60 s")

    def complete(self, ids, new):
        body = {"prompt": ids, "n_predict": new, "temperature": 0, "ignore_eos": True}
        request = urllib.request.Request(
            self.url + "/completion",
            json.dumps(body | {"cache_prompt": True, "logit_bias": NO_BYTES}).encode(),
            {"Content-Type": "application/json"},
        )
        answer = json.load(urllib.request.urlopen(request))
        if answer["tokens_predicted"] != new:
            sys.exit(f"llama-server wrote {answer['tokens_predicted']} tokens, expected {new}")

    def ids(self, count):
        return [random.randrange(300, self.options.vocabulary) for _ in range(count)]

    def clients(self, count):
        prompts = [self.ids(PROMPT) for _ in range(2 * count)]
        with self.server(count, SLOT):
            self.complete(self.ids(PROMPT), 2)
            with concurrent.futures.ThreadPoolExecutor(count) as pool:
                start = time.monotonic()
                list(pool.map(lambda ids: self.complete(ids, NEW), prompts))
                return len(prompts) * NEW / (time.monotonic() - start)

    def prefix(self):
        shared = self.ids(SHARED)
        times = []
        with self.server(1, 2560):
            self.complete(self.ids(PROMPT), 2)
            for _ in range(PREFIX_REQUESTS):
                start = time.monotonic()
                self.complete(shared + self.ids(OWN), 1)
                times.append(1000 * (time.monotonic() - start))
        return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llama.cpp", dest="build", type=pathlib.Path, required=True)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, help="the report, also on standard output")
    parser.add_argument("--shape", default="1024x8x2752x64000")
    numbers = lambda text: [int(number) for number in text.split(",")]
    parser.add_argument("--clients", type=numbers, default=[1, 8, 32, 64], help="1,8,32,64")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--baichuan", type=pathlib.Path, default=compare.ROOT / "baichuan")
    options = parser.parse_args()
    options.vocabulary = int(options.shape.split("x")[3])
    options.models.mkdir(parents=True, exist_ok=True)
    sides = {"ours": Ours(options), "rival": Rival(options)}
    results = {}
    for number in range(options.rounds):
        for row in [*options.clients, "prefix"]:
            for name, side in sides.items():
                print(f"round {number + 1}: {row} {name}", file=sys.stderr)
                value = side.prefix() if row == "prefix" else side.clients(row)
                results.setdefault((row, name), []).append(value)
    commit = compare.output_of(["git", "-C", compare.ROOT, "describe", "--always", "--dirty"])
    lines = [
        "# Many clients, beside llama.cpp's server",
        "",
        f"`{options.shape}`, int4 beside q4_0, {options.threads} threads, {datetime.date.today()}, load average "
        f"{os.getloadavg()[0]:.1f} at the end; baichuan4j {commit.strip()}; medians of {options.rounds} rounds.",
        "",
        "| | baichuan4j | llama.cpp | ratio | baichuan4j, least to most |",
        "|---|--:|--:|--:|---|",
    ]
    for row in [*options.clients, "prefix"]:
        mine, theirs = (results[row, name] for name in sides)
        own, other = statistics.median(mine), statistics.median(theirs)
        ratio = other / own if row == "prefix" else own / other
        label = "prefix, ms" if row == "prefix" else f"{row} clients, tokens/s"
        lines.append(
            f"| {label} | {own:.1f} | {other:.1f} | {ratio:.2f} | {min(mine):.1f} to {max(mine):.1f} |"
        )
    report = "\n".join(lines) + "\n"
    print(report)
    if options.out:
        options.out.write_text(report)


if __name__ == "__main__":
    main()
