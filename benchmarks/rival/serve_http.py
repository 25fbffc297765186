#!/usr/bin/env python3
"""Streams to many clients by HTTP, from baichuan4j's server and from llama.cpp's, and writes a table.

  serve_http.py --llama.cpp BUILD --out FILE                        both sides at 1, 8 and 64 clients
  serve_http.py --endure 300 --out FILE                             baichuan4j's server alone

Both serve the same checkpoint (int4 beside q4_0) and answer /v1/completions, streamed: a prompt of
Chinese characters, and 64 tokens whatever the model would end with. A client begins its next request
when it has its last event. Times are those that a client sees: to the first event with text, and
between events. Needs Python alone.

--endure: 64 clients, of which one in ten requests hangs up in the middle and one in ten reads
slowly. Every stream that was not hung up must be whole. At the end no page, request, thread or
descriptor may be left, and the resident memory of the last half is compared with that of the first.
"""

import argparse
import asyncio
import contextlib
import datetime
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import time
import urllib.request

import compare

CLIENTS = [1, 8, 64]
NEW = 64
CHARACTERS = "床前明月光疑是地上霜举头望低思故乡春眠不觉晓处闻啼鸟夜来风雨声花落知多少白日依山尽黄河入海流"


class Server:
    """A process that serves until the block ends."""

    def __init__(self, command, port):
        self.command = [str(part) for part in command]
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                sys.exit(f"{self.command[0]} ended with {self.process.returncode}")
            with contextlib.suppress(OSError):
                if urllib.request.urlopen(self.url + "/health").status == 200:
                    return self
            time.sleep(0.05)
        sys.exit(f"{self.command[0]} is not ready after 180 s")

    def __exit__(self, *failure):
        self.process.terminate()
        self.process.wait()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def ours(options, clients):
    port = free_port()
    command = [options.baichuan, "serve", "--model", options.model, "--port", port, "--weights", "int4"]
    return Server(command + ["--threads", options.threads, "--max-concurrent", clients], port)


def rival(options, clients):
    port = free_port()
    gguf = options.models / f"{options.model.name}-q4_0.gguf"
    if not gguf.exists():
        converter = pathlib.Path(__file__).with_name("convert_gguf.py")
        compare.output_of([converter, "--llama.cpp", options.build, options.model, "q4_0", gguf])
    command = [options.build / "bin/llama-server", "-m", gguf, "-t", options.threads, "-tb", options.threads]
    command += ["-c", clients * 256, "--parallel", clients, "-fa", "on", "--host", "127.0.0.1", "--port", port]
    return Server(command, port)


class Tally:
    """What the clients have seen."""

    def __init__(self):
        self.requests = self.tokens = self.hung_up = 0
        self.first, self.between, self.failures = [], [], []


def request(port, prompt):
    body = {"prompt": prompt, "max_tokens": NEW, "temperature": 0, "ignore_eos": True, "stream": True}
    data = json.dumps(body).encode()
    head = f"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    return (head + f"Content-Length: {len(data)}\r\nConnection: close\r\n\r\n").encode() + data


async def stream(port, tally, rng, faults):
    """One request; with faults, perhaps one of a client that hangs up or reads slowly."""
    kind = rng.random() if faults else 1
    leave_after = rng.randrange(1, NEW) if kind < 0.1 else None
    slow = 0.1 <= kind < 0.2
    prompt = "".join(rng.choice(CHARACTERS) for _ in range(rng.randrange(8, 40)))
    began = last = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request(port, prompt))
        await writer.drain()
        status = await reader.readline()
        if b" 200 " not in status:
            tally.failures.append(f"{status.decode().strip()}: {(await reader.read(4096)).decode()}")
            return
        events, finish, done = 0, None, False
        async for line in reader:
            if slow:
                await asyncio.sleep(rng.random() * 0.2)
            if not line.startswith(b"data: "):
                continue
            if line.startswith(b"data: [DONE]"):
                done = True
                break
            choices = json.loads(line[6:]).get("choices") or [{}]
            finish = choices[0].get("finish_reason") or finish
            now = time.monotonic()
            if not slow and events == 0:
                tally.first.append(now - began)
            elif not slow:
                tally.between.append(now - last)
            events, last = events + 1, now
            if leave_after is not None and events >= leave_after:
                tally.hung_up += 1
                return
        if not done or finish != "length":
            tally.failures.append(f"a stream of {events} events ended with {finish}, done: {done}")
        tally.requests += 1
        tally.tokens += NEW
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def clients(port, count, seconds, seed, faults=False, sample=None):
    tally = Tally()
    end = time.monotonic() + seconds

    async def client(number):
        rng = random.Random(seed * 1000 + number)
        while time.monotonic() < end:
            try:
                await stream(port, tally, rng, faults)
            except (OSError, asyncio.IncompleteReadError) as e:
                tally.failures.append(repr(e))

    async def sampler():
        while time.monotonic() < end:
            sample()
            await asyncio.sleep(5)

    tasks = [client(number) for number in range(count)] + ([sampler()] if sample else [])
    began = time.monotonic()
    await asyncio.gather(*tasks)
    return tally, time.monotonic() - began


def at(values, share):
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def row(label, tally, seconds):
    return (
        f"| {label} | {tally.requests / seconds:.1f} | {tally.tokens / seconds:.0f} | {at(tally.first, 0.5):.1f} | "
        f"{at(tally.first, 0.99):.1f} | {at(tally.between, 0.5):.2f} | {at(tally.between, 0.99):.2f} |"
    )


HEAD = [
    "| | requests/s | tokens/s | first event, p50 ms | p99 | between events, p50 ms | p99 |",
    "|---|--:|--:|--:|--:|--:|--:|",
]


def side_by_side(options):
    lines = HEAD[:]
    ratios = []
    for count in options.clients:
        rates = {}
        for name, side in (("baichuan4j", ours), ("llama.cpp", rival)):
            with side(options, count) as server:
                asyncio.run(clients(server.port, count, options.warmup, 1))
                tally, seconds = asyncio.run(clients(server.port, count, options.seconds, 2))
            if tally.failures:
                sys.exit(f"{name}, {count} clients: {tally.failures[:3]}")
            rates[name] = tally.tokens / seconds
            lines.append(row(f"{count} clients, {name}", tally, seconds))
            print(lines[-1], file=sys.stderr)
        ratios.append(f"{count}: {rates['baichuan4j'] / rates['llama.cpp']:.2f}")
    return lines + ["", "Tokens per second over llama.cpp's, by clients: " + ", ".join(ratios) + "."]


class Footprint:
    """Memory in KB, threads and descriptors of a process, as they were each time it was looked at."""

    def __init__(self, pid):
        self.folder = pathlib.Path(f"/proc/{pid}")
        self.samples = []

    def __call__(self):
        status = dict(line.split(":", 1) for line in (self.folder / "status").read_text().splitlines())
        memory = int(status["VmRSS"].split()[0])
        self.samples.append((memory, int(status["Threads"]), len(os.listdir(self.folder / "fd"))))
        return self.samples[-1]


def metric(server, name):
    text = urllib.request.urlopen(server.url + "/metrics").read().decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def endure(options):
    with ours(options, 64) as server:
        asyncio.run(clients(server.port, 64, options.warmup, 1, faults=True))
        time.sleep(3)
        footprint = Footprint(server.process.pid)
        before = footprint()
        tally, seconds = asyncio.run(clients(server.port, 64, options.endure, 2, faults=True, sample=footprint))
        for _ in range(100):
            after = footprint()
            if metric(server, "vllm:num_requests_running") == 0 and after[2] <= before[2]:
                break
            time.sleep(0.3)
        left = {name: metric(server, f"vllm:{name}") for name in ("num_requests_running", "num_requests_waiting")}
    memory = [sample[0] / 1024 for sample in footprint.samples[1:-1]]
    half = len(memory) // 2
    lines = HEAD + [row("64 clients, some of which hang up or read slowly", tally, seconds)]
    lines += [
        "",
        f"{tally.requests} streams were whole, {tally.hung_up} were hung up by their client, {len(tally.failures)} failed in "
        f"{seconds:.0f} s. Left at the end: {left}; threads {before[1]} before and {after[1]} after, descriptors {before[2]} and "
        f"{after[2]}. Resident memory: at most {max(memory[:half]):.0f} MB in the first half, {max(memory[half:]):.0f} MB in the second.",
    ]
    if tally.failures or any(left.values()) or after[2] > before[2] or after[1] > before[1] + 8:
        print("\n".join(lines + tally.failures[:5]))
        sys.exit("something failed or is left")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llama.cpp", dest="build", type=pathlib.Path)
    parser.add_argument("--models", type=pathlib.Path, default=pathlib.Path("/tmp/models"), help="for GGUF files")
    parser.add_argument("--model", type=pathlib.Path, default=compare.ROOT / "models/tiny-baichuan-7b")
    parser.add_argument("--out", type=pathlib.Path, help="the report, also on standard output")
    parser.add_argument("--clients", type=lambda text: [int(n) for n in text.split(",")], default=CLIENTS)
    parser.add_argument("--seconds", type=int, default=20, help="of each row")
    parser.add_argument("--warmup", type=int, default=5, help="seconds before each")
    parser.add_argument("--endure", type=int, help="seconds")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--baichuan", type=pathlib.Path, default=compare.ROOT / "baichuan")
    options = parser.parse_args()
    if not options.endure and not options.build:
        parser.error("--llama.cpp or --endure is needed")
    options.models.mkdir(parents=True, exist_ok=True)
    lines = endure(options) if options.endure else side_by_side(options)
    commit = compare.output_of(["git", "-C", compare.ROOT, "describe", "--always", "--dirty"])
    report = [
        "# Streams by HTTP",
        "",
        f"{options.model.name}, int4 beside q4_0, {options.threads} threads, clients on the same machine, "
        f"{datetime.date.today()}, load average {os.getloadavg()[0]:.1f} at the end; baichuan4j {commit.strip()}.",
        "",
        *lines,
    ]
    print("\n".join(report))
    if options.out:
        options.out.write_text("\n".join(report) + "\n")


if __name__ == "__main__":
    main()
