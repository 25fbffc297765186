"""Rows of serve.py with random models: many clients, and a beginning that was read before.

  N       tokens per second of N texts at a time, each with a prompt of 32 ids and 64 new tokens;
          twice as many requests as clients, all there at once
  prefix  milliseconds to the first token of a prompt that begins with 2,000 ids which the prompt
          before had, and ends with 20 of its own

baichuan4j runs in `baichuan bench --serve`, in one process with its clients; llama.cpp's server
behind HTTP on this machine, without streaming.
"""

import concurrent.futures
import json
import random
import statistics
import sys
import time

import compare
import servers

ROWS = ["1", "8", "32", "64", "prefix"]
PROMPT, NEW = 32, 64
SHARED, OWN = 2000, 20
PREFIX_REQUESTS = 6  # the first one reads what the others share
SLOT = 128  # positions of a client's text, at least PROMPT + NEW
# Pieces that are single bytes: the server refuses texts that are not UTF-8, as random ones would be.
NO_BYTES = [[id, False] for id in range(3, 259)]


class Ours:
    def __init__(self, options):
        self.options = options

    def measure(self, row):
        return self.prefix() if row == "prefix" else self.clients(int(row))

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
        self.vocabulary = int(options.shape.split("x")[3])

    def measure(self, row):
        return self.prefix() if row == "prefix" else self.clients(int(row))

    def server(self, parallel, slot):
        o = self.options
        return servers.llama(o.build, self.model, o.threads, parallel, slot)

    def complete(self, server, ids, new):
        body = {"prompt": ids, "n_predict": new, "temperature": 0, "ignore_eos": True}
        answer = server.post("/completion", body | {"cache_prompt": True, "logit_bias": NO_BYTES})
        if answer["tokens_predicted"] != new:
            sys.exit(f"llama-server wrote {answer['tokens_predicted']} tokens, expected {new}")

    def ids(self, count):
        return [random.randrange(300, self.vocabulary) for _ in range(count)]

    def clients(self, count):
        prompts = [self.ids(PROMPT) for _ in range(2 * count)]
        with self.server(count, SLOT) as server:
            self.complete(server, self.ids(PROMPT), 2)
            with concurrent.futures.ThreadPoolExecutor(count) as pool:
                start = time.monotonic()
                list(pool.map(lambda ids: self.complete(server, ids, NEW), prompts))
                return len(prompts) * NEW / (time.monotonic() - start)

    def prefix(self):
        shared = self.ids(SHARED)
        times = []
        with self.server(1, 2560) as server:
            self.complete(server, self.ids(PROMPT), 2)
            for _ in range(PREFIX_REQUESTS):
                start = time.monotonic()
                self.complete(server, shared + self.ids(OWN), 1)
                times.append(1000 * (time.monotonic() - start))
        return statistics.median(times)


def sides(options):
    return {"ours": Ours(options), "rival": Rival(options)}


def table(rows, results):
    yield "| | baichuan4j | llama.cpp | ratio | baichuan4j, least to most |"
    yield "|---|--:|--:|--:|---|"
    for row in rows:
        mine, theirs = results[row, "ours"], results[row, "rival"]
        own, other = statistics.median(mine), statistics.median(theirs)
        ratio = other / own if row == "prefix" else own / other
        label = "prefix, ms" if row == "prefix" else f"{row} clients, tokens/s"
        yield f"| {label} | {own:.1f} | {other:.1f} | {ratio:.2f} | {min(mine):.1f} to {max(mine):.1f} |"
