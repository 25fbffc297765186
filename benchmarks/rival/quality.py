#!/usr/bin/env python3
"""What do fewer bits cost? Ours beside llama.cpp's and ik_llama.cpp's, same model, same text.

  quality.py --llama.cpp BUILD [--ik BUILD] --models FOLDER [--out FILE.md] [--plot FILE.svg] [options]

Every side makes its own quantized models of the same checkpoint, which are compared with that
checkpoint as the side runs it itself without quantization: the Kullback-Leibler divergence of the next
token's distribution in nats (mean and 99th percentile), how often both hold the same token for the
likeliest, and the perplexity. Windows of 512 tokens, of which the second half is scored, as
llama-perplexity does it. Calibrated kinds see --calibrate, which is another text than --file.

Bits are those of a weight of the matrices, scales included; embeddings are left out on both sides
where a side does not quantize them (llama-quantize --pure with --token-embedding-type f16).
--speed SHAPE adds tokens per second of generation behind 512 positions, of random weights of that
shape in the same kinds (as compare.py's row tg@512; medians of --rounds, in which all kinds take
turns); a calibrated kind is as fast as one that is not. Needs Python alone; the drawing is SVG written
here.
"""

import argparse
import datetime
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys

import compare
import gguf
import prompts

WINDOW = 512
NAMES = ["bits", "perplexity", "divergence", "99th percentile", "same likeliest, %"]
SPEED = "tokens/s"
LLAMA_KINDS = "BF16,Q8_0,Q6_K,Q5_K,Q4_K,Q4_0,IQ4_NL,IQ4_XS,Q3_K,IQ3_S,Q2_K"
IK_KINDS = "IQ4_KS,IQ4_K,IQ3_K,IQ3_KS,IQ2_K"
OUR_KINDS = "bf16,int8,int4,int4+,int3@3.5+,int3,int3+,int2,int2+"


def as_encoded(options):
    """The text as the tokenizer leaves it, since a GGUF file has no rules of normalization, and whether
    the tokenizer puts a space in front, which llama.cpp would do behind each line break as well."""
    command = [str(options.baichuan), "tokenize", "--model", str(options.model)]
    run = lambda arguments, data: subprocess.run(
        arguments, input=data, stdout=subprocess.PIPE, check=True
    ).stdout
    ids = run([*command, "--lines"], json.dumps(options.file.read_text()).encode() + b"\n")
    text = json.loads(run([*command, "--lines", "--decode"], ids))
    first = json.loads(run([*command, "--json", text[:10]], b""))["pieces"][0]
    return text, first.startswith("\u2581") and not text.startswith(" ")


class Ours:
    name = "baichuan4j"

    def __init__(self, options):
        self.options = options

    def rows(self):
        for kind in self.options.kinds:
            yield kind, self.measure(kind)

    def quantized(self, published, kind):
        """A folder of a checkpoint's weights in a kind."""
        o = self.options
        weights, _, average = kind.rstrip("+").partition("@")
        model = o.models / f"{published.name}-{kind}"
        if not model.exists():
            command = [o.baichuan, "quantize", "--model", published, "--weights", weights]
            command += ["--calibrate", o.calibrate] if kind.endswith("+") else []
            command += ["--average-bits", average] if average else []
            compare.output_of([*command, "--out", model])
        return model

    def speed(self, kind):
        """Tokens per second; nothing for an average of bits, which random weights have no use for."""
        if "@" in kind:
            return None
        model = ["--random", self.options.speed, "--weights", kind.rstrip("+")]
        return compare.Ours(self.options).generation(model)["tokens_per_second"]

    def measure(self, kind):
        o = self.options
        model = o.model if kind == "bf16" else self.quantized(o.model, kind)
        bits = {"bf16": 16, "int8": 8.5}.get(kind) or bits_of_ours(model)
        command = [o.baichuan, "perplexity", "--model", model, "--reference", o.model, "--json"]
        command += ["--file", o.file, "--window", WINDOW, "--skip", WINDOW // 2]
        found = json.loads(compare.output_of([*command, "--threads", o.threads]))
        return [
            bits,
            found["perplexity"],
            found["divergence"],
            found["divergence_p99"],
            100 * found["same_likeliest"],
        ]


def bits_of_ours(folder):
    """Bits of a weight of the packed matrices of a quantized folder."""
    bits = weights = 0
    for path in folder.glob("*.safetensors"):
        with open(path, "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        for name, entry in header.items():
            shape = header.get("__metadata__", {}).get("baichuan4j.shape." + name)
            if shape:
                rows, columns = json.loads(shape)
                begin, end = entry["data_offsets"]
                weights += rows * columns
                bits += 8 * (end - begin)
    return bits / weights


class Rival:
    def __init__(self, bench, kinds, options):
        self.bench = bench
        self.name = bench.name
        self.build = bench.build / "bin"
        self.kinds = kinds
        self.options = options
        self.base = options.models / f"{options.model.name}-{self.name}.kld"

    def perplexity(self, model, *arguments):
        o = self.options
        command = [self.build / "llama-perplexity", "-m", model, "-f", o.spaced, "-c", WINDOW]
        command += ["--override-kv", "tokenizer.ggml.add_space_prefix=bool:false", "-t", o.threads]
        return compare.text_of([*command, "-b", WINDOW, "--kl-divergence-base", self.base, *arguments])

    def rows(self):
        o = self.options
        published = o.models / f"{o.model.name}-f32.gguf"
        if not published.exists():
            command = [o.baichuan, "convert", "--model", o.model, "--to", "gguf"]
            compare.output_of([*command, "--weights", "f32", "--out", published])
        if not self.base.exists():
            self.perplexity(published)
        for kind in self.kinds:
            yield kind, self.measure(published, kind)

    def quantized(self, published, kind):
        model = self.options.models / f"{published.stem}-{self.name}-{kind}.gguf"
        if not model.exists():
            command = [self.build / "llama-quantize", "--pure", "--token-embedding-type", "f16"]
            compare.text_of([*command, published, model, kind])
        return model

    def speed(self, kind):
        o = self.options
        model = self.quantized(compare.gguf(o, o.speed, "f32"), kind)
        return max(self.bench.measure("tg@512", model, way) for way in self.bench.ways)

    def measure(self, published, kind):
        model = self.quantized(published, kind)
        found = self.statistics(model)
        return [bits_of_gguf(model), *found]

    def statistics(self, model):
        """Perplexity, divergence, its 99th percentile, and the share of the same likeliest token."""
        names = [r"Mean PPL\(Q\)", r"Mean\s+KLD", r"99.0%\s+KLD", r"Same top p"]
        for _ in range(5):  # llama-perplexity may end before its log is written
            text = self.perplexity(model, "--kl-divergence")
            found = [re.search(name + r"\s*:\s*([\d.]+)", text) for name in names]
            if all(found):
                return [float(match[1]) for match in found]
        sys.exit(f"llama-perplexity has no statistics of {model}:\n{text[-3000:]}")


def bits_of_gguf(path):
    """Bits of a weight of the coded matrices, by the places of a file's tensors."""
    coded = [t for t in gguf.places(path) if len(t.sizes) == 2 and t.name != "token_embd.weight"]
    return sum(8 * t.bytes for t in coded) / sum(math.prod(t.sizes) for t in coded)


def speeds(sides, rows, options):
    """Tokens per second of each row, medians of rounds in which all take turns."""
    found = [[] for _ in rows]
    for number in range(options.rounds):
        for (name, kind, _), values in zip(rows, found):
            print(f"round {number + 1}: {name} {kind}", file=sys.stderr)
            values.append(next(side for side in sides if side.name == name).speed(kind))
    return ["" if None in values else f"{statistics.median(values):.1f}" for values in found]


def table(rows, rates):
    names = [*NAMES, SPEED] if rates else NAMES
    yield "| | " + " | ".join(names) + " |"
    yield "|---|" + "--:|" * len(names)
    for number, (side, kind, values) in enumerate(rows):
        bits, perplexity, mean, p99, same = values
        yield (
            f"| {side} {kind} | {bits:.2f} | {perplexity:.3f} | {mean:.5f} | {p99:.4f} | {same:.2f} |"
            + (f" {rates[number]} |" if rates else "")
        )


COLOURS = ["#c8102e", "#1f77b4", "#2ca02c"]


def labels():
    """A function that finds a free place for a text beside a point, to its right where there is room."""
    taken = []

    def place(text, x, y):
        width = 7 * len(text)
        for down in (0, 12, -12, 24, -24, 36, -36):
            for anchor, left in (("start", x + 7), ("end", x - 7 - width)):
                box = (left, y + down - 6, left + width, y + down + 6)
                if not any(
                    box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken
                ):
                    taken.append(box)
                    return x + (7 if anchor == "start" else -7), y + down + 4, anchor
        return x + 7, y + 4, "start"

    return place


def drawing(rows, title):
    """Bits, up to 10, against divergence, the latter on a logarithmic axis, as an SVG."""
    rows = [row for row in rows if row[2][0] < 10 and row[2][2] > 0]
    left, top, width, height = 70, 40, 640, 420
    least, most = min(r[2][0] for r in rows) - 0.3, max(r[2][0] for r in rows) + 0.3
    low = math.floor(math.log10(min(r[2][2] for r in rows)))
    high = math.ceil(math.log10(max(r[2][2] for r in rows)))
    x = lambda bits: left + width * (bits - least) / (most - least)
    y = lambda mean: top + height * (high - math.log10(mean)) / (high - low)
    yield '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 520" font-family="sans-serif" font-size="12">'
    yield '<rect width="760" height="520" fill="white"/>'
    yield f'<text x="{left}" y="24" font-size="15">{title}</text>'
    for power in range(low, high + 1):
        at = y(10**power)
        yield f'<line x1="{left}" y1="{at:.1f}" x2="{left + width}" y2="{at:.1f}" stroke="#ddd"/>'
        yield f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:g}</text>'
    for bits in range(math.ceil(least), math.floor(most) + 1):
        yield f'<line x1="{x(bits):.1f}" y1="{top}" x2="{x(bits):.1f}" y2="{top + height}" stroke="#eee"/>'
        yield f'<text x="{x(bits):.1f}" y="{top + height + 18}" text-anchor="middle">{bits}</text>'
    yield f'<text x="{left + width / 2}" y="{top + height + 40}" text-anchor="middle">bits a weight</text>'
    yield (
        f'<text transform="translate(18 {top + height / 2}) rotate(-90)" text-anchor="middle">'
        "divergence from the unquantized model, nats a token</text>"
    )
    place = labels()
    sides = list(dict.fromkeys(side for side, _, _ in rows))
    for number, side in enumerate(sides):
        colour = COLOURS[number % len(COLOURS)]
        yield f'<circle cx="{left + width - 130}" cy="{top + 14 + 18 * number}" r="5" fill="{colour}"/>'
        yield f'<text x="{left + width - 120}" y="{top + 18 + 18 * number}">{side}</text>'
        for _, kind, values in (row for row in rows if row[0] == side):
            yield f'<circle cx="{x(values[0]):.1f}" cy="{y(values[2]):.1f}" r="5" fill="{colour}"/>'
            at, base, anchor = place(kind, x(values[0]), y(values[2]))
            yield f'<text x="{at:.1f}" y="{base:.1f}" text-anchor="{anchor}" fill="{colour}">{kind}</text>'
    yield "</svg>"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    split = lambda text: text.split(",") if text else []
    parser.add_argument("--llama.cpp", dest="build", type=pathlib.Path, required=True)
    parser.add_argument("--ik", type=pathlib.Path, help="a build folder of ik_llama.cpp")
    parser.add_argument("--models", type=pathlib.Path, required=True, help="keeps what is made")
    parser.add_argument("--model", type=pathlib.Path, default=prompts.BASE)
    parser.add_argument("--file", type=pathlib.Path, default=compare.ROOT / "models/eval/poems-heldout.txt")
    parser.add_argument("--calibrate", type=pathlib.Path, default=compare.ROOT / "models/eval/poems-taught.txt")
    parser.add_argument("--kinds", type=split, default=OUR_KINDS, help="ours; + is calibrated, @ an average of bits: " + OUR_KINDS)
    parser.add_argument("--llama-kinds", type=split, default=LLAMA_KINDS, help=LLAMA_KINDS)
    parser.add_argument("--ik-kinds", type=split, default=IK_KINDS, help=IK_KINDS)
    parser.add_argument("--speed", metavar="SHAPE", help="as 4096x2x11008x32000")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--flash", type=split, default=["0", "1"], help="values of -fa: 0,1")
    parser.add_argument("--out", type=pathlib.Path, help="the table, also on standard output")
    parser.add_argument("--plot", type=pathlib.Path, help="an SVG of bits against divergence")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--baichuan", type=pathlib.Path, default=compare.ROOT / "baichuan")
    options = parser.parse_args()
    options.models.mkdir(parents=True, exist_ok=True)
    options.models = options.models.absolute()
    text = options.file.name
    encoded, has_space = as_encoded(options)
    options.file = options.models / f"{options.model.name}-{text}"
    options.file.write_text(encoded)
    options.spaced = options.file.with_suffix(".spaced.txt")
    options.spaced.write_text(" " * has_space + encoded)
    rival = compare.LlamaCpp(options.build, options)
    sides = [Ours(options), Rival(rival, options.llama_kinds, options)]
    if options.ik:
        sides.append(Rival(compare.IkLlamaCpp(options.ik, options), options.ik_kinds, options))
    rows = []
    for side in sides:
        for kind, values in side.rows():
            rows.append((side.name, kind, values))
            print(f"{side.name} {kind}: " + " ".join(f"{v:.5g}" for v in values), file=sys.stderr)
    rates = speeds(sides, rows, options) if options.speed else []
    lines = [
        f"{options.model.name}, {text}, windows of {WINDOW}; calibrated (+) on "
        f"{options.calibrate.name}; {compare.machine(options)}"
        + (f"; {SPEED} of `{options.speed}`, medians of {options.rounds}" if rates else ""),
        "",
        *table(rows, rates),
    ]
    print("\n".join(lines))
    if options.out:
        options.out.write_text("\n".join(lines) + "\n")
    if options.plot:
        options.plot.write_text("\n".join(drawing(rows, f"{options.model.name}: what bits cost")) + "\n")


if __name__ == "__main__":
    main()
