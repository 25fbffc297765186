#!/usr/bin/env python3
"""Makes a GGUF of a Baichuan or Llama model with random weights, for llama.cpp and llama3.java.

  make_gguf.py [--llama.cpp BUILD] [--arch baichuan|llama] SHAPE KIND PATH

SHAPE is CxLxFxV: hidden size, layers, ffn, vocabulary; heads of 128, as `baichuan bench --random`
takes it. KIND is f32, f16, bf16, q8_0 or q4_0; for the last two, llama-quantize of BUILD makes every
matrix of that kind. Weights are normal with deviation 0.02. Needs Python alone.
"""

import argparse
import array
import pathlib
import random
import struct
import sys

import gguf

POOL = 1 << 20  # weights that are drawn


def vocabulary(v):
    """<unk>, <s>, </s>, a piece for every byte, and invented pieces."""
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    types = [2, 3, 3] + [6] * 256
    pieces += [f"\u2581w{i}" for i in range(v - len(pieces))]
    types += [1] * (v - len(types))
    return gguf.vocabulary_fields(pieces, [-float(i) for i in range(v)], types)


def pool(kind):
    draw = random.Random(1)
    values = array.array("f", (draw.gauss(0, 0.02) for _ in range(POOL)))
    if kind == "f16":
        return struct.pack(f"<{POOL}e", *values)
    data = values.tobytes()
    if kind == "f32":
        return data
    halves = bytearray(2 * POOL)
    halves[0::2] = data[2::4]
    halves[1::2] = data[3::4]
    return bytes(halves)


class Weights:
    """Writes matrices, each from an offset of its own in the pool."""

    def __init__(self, kind):
        self.pool = pool(kind)
        self.width = gguf.TYPES[kind][2]
        self.draw = random.Random(2)

    def write(self, out, size):
        start = self.draw.randrange(POOL) * self.width
        while size > 0:
            piece = self.pool[start : start + size]
            out.write(piece)
            size -= len(piece)
            start = 0


def write_ones(out, size):
    out.write(struct.pack("<f", 1.0) * (size // 4))


def write(path, arch, shape, kind):
    c, layers, f, v = shape
    weights = Weights(kind)
    name = f"random {c}x{layers}x{f}x{v}"
    fields = gguf.model_fields(arch, name, kind, shape, c // 128, 8192, 1e-6) + vocabulary(v)
    tensors = [
        gguf.Tensor(name, sizes, kind, weights.write)
        if len(sizes) == 2
        else gguf.Tensor(name, sizes, "f32", write_ones)
        for name, sizes in gguf.sizes(shape)
    ]
    gguf.write(path, fields, tensors)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llama.cpp", dest="build", type=pathlib.Path)
    parser.add_argument("--arch", default="baichuan", choices=["baichuan", "llama"])
    parser.add_argument("shape")
    parser.add_argument("kind", choices=[*gguf.TYPES, *gguf.QUANTIZED])
    parser.add_argument("path", type=pathlib.Path)
    options = parser.parse_args()
    shape = [int(n) for n in options.shape.split("x")]
    if len(shape) != 4 or shape[0] % 128 or shape[3] < 259:
        parser.error(
            f"shape has value {options.shape}, expected CxLxFxV, "
            "C a multiple of 128 and V at least 259"
        )
    if options.kind in gguf.TYPES:
        write(options.path, options.arch, shape, options.kind)
        return 0
    if options.build is None:
        parser.error(f"kind has value {options.kind}, expected --llama.cpp with it")
    return gguf.write_quantized(
        options.path,
        options.kind,
        options.build,
        lambda plain: write(plain, options.arch, shape, "f32"),
    )


if __name__ == "__main__":
    sys.exit(main())
