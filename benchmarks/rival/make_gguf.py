#!/usr/bin/env python3
"""Makes a GGUF of a Baichuan or Llama model with random weights, for llama.cpp and llama3.java.

  make_gguf.py [--llama.cpp BUILD] [--arch baichuan|llama] SHAPE KIND PATH

SHAPE is CxLxFxV: hidden size, layers, ffn, vocabulary; heads of 128, as `baichuan bench --random`
takes it. KIND is f32, f16, bf16, q8_0 or q4_0; for the last two, llama-quantize of BUILD makes every
matrix of that kind. Weights are normal with deviation 0.02. Needs Python alone. Format:
https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import argparse
import array
import pathlib
import random
import struct
import subprocess
import sys

ALIGNMENT = 32
POOL = 1 << 20  # weights that are drawn
TYPES = {"f32": (0, 0, 4), "f16": (1, 1, 2), "bf16": (30, 32, 2)}  # tensor type, file type, bytes


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def field(key, value):
    """A key and its value: a number, a text, or a list of one of them."""
    kinds = {int: (4, "<I"), float: (6, "<f"), str: (8, None)}

    def packed(v):
        return text(v) if isinstance(v, str) else struct.pack(kinds[type(v)][1], v)

    if isinstance(value, list):
        kind = kinds[type(value[0])][0]
        if kind == 4:
            kind = 5  # lists of whole numbers are of i32
        body = struct.pack("<IQ", kind, len(value)) + b"".join(packed(v) for v in value)
        return text(key) + struct.pack("<I", 9) + body
    return text(key) + struct.pack("<I", kinds[type(value)][0]) + packed(value)


def fields(arch, c, layers, f, v, file_type):
    heads = c // 128
    # <unk>, <s>, </s>, a piece for every byte, and invented pieces.
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    kinds = [2, 3, 3] + [6] * 256
    pieces += [f"\u2581w{i}" for i in range(v - len(pieces))]
    kinds += [1] * (v - len(kinds))
    return [
        field("general.architecture", arch),
        field("general.name", f"random {c}x{layers}x{f}x{v}"),
        field("general.file_type", file_type),
        field(f"{arch}.context_length", 8192),
        field(f"{arch}.embedding_length", c),
        field(f"{arch}.block_count", layers),
        field(f"{arch}.feed_forward_length", f),
        field(f"{arch}.rope.dimension_count", 128),
        field(f"{arch}.attention.head_count", heads),
        field(f"{arch}.attention.head_count_kv", heads),
        field(f"{arch}.attention.layer_norm_rms_epsilon", 1e-6),
        field(f"{arch}.rope.freq_base", 10000.0),
        field(f"{arch}.vocab_size", v),
        field("tokenizer.ggml.model", "llama"),
        field("tokenizer.ggml.tokens", pieces),
        field("tokenizer.ggml.scores", [-float(i) for i in range(v)]),
        field("tokenizer.ggml.token_type", kinds),
        field("tokenizer.ggml.bos_token_id", 1),
        field("tokenizer.ggml.eos_token_id", 2),
        field("tokenizer.ggml.unknown_token_id", 0),
    ]


def tensors(c, layers, f, v):
    """Names and shapes, the fastest dimension first."""
    yield "token_embd.weight", (c, v)
    for i in range(layers):
        yield f"blk.{i}.attn_norm.weight", (c,)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield f"blk.{i}.{name}.weight", (c, c)
        yield f"blk.{i}.ffn_norm.weight", (c,)
        yield f"blk.{i}.ffn_gate.weight", (c, f)
        yield f"blk.{i}.ffn_up.weight", (c, f)
        yield f"blk.{i}.ffn_down.weight", (f, c)
    yield "output_norm.weight", (c,)
    yield "output.weight", (c, v)


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

    def __init__(self, out, kind):
        self.out = out
        self.pool = pool(kind)
        self.width = TYPES[kind][2]
        self.draw = random.Random(2)

    def write(self, size):
        start = self.draw.randrange(POOL) * self.width
        while size > 0:
            piece = self.pool[start : start + size]
            self.out.write(piece)
            size -= len(piece)
            start = 0


def write(path, arch, shape, kind):
    c, layers, f, v = shape
    matrix_type, file_type, width = TYPES[kind]
    infos, sizes, offset = [], [], 0
    for name, dims in tensors(c, layers, f, v):
        matrix = len(dims) == 2
        count = dims[0] * (dims[1] if matrix else 1)
        size = count * (width if matrix else 4)
        infos.append(
            text(name)
            + struct.pack("<I", len(dims))
            + struct.pack(f"<{len(dims)}Q", *dims)
            + struct.pack("<IQ", matrix_type if matrix else 0, offset)
        )
        sizes.append((matrix, size))
        offset += -(-size // ALIGNMENT) * ALIGNMENT
    header = fields(arch, c, layers, f, v, file_type)
    with open(path, "wb") as out:
        out.write(struct.pack("<4sIQQ", b"GGUF", 3, len(infos), len(header)))
        out.write(b"".join(header) + b"".join(infos))
        out.write(bytes(-out.tell() % ALIGNMENT))
        weights = Weights(out, kind)
        for matrix, size in sizes:
            if matrix:
                weights.write(size)
            else:
                out.write(struct.pack("<f", 1.0) * (size // 4))
            out.write(bytes(-out.tell() % ALIGNMENT))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llama.cpp", dest="build", type=pathlib.Path)
    parser.add_argument("--arch", default="baichuan", choices=["baichuan", "llama"])
    parser.add_argument("shape")
    parser.add_argument("kind", choices=[*TYPES, "q8_0", "q4_0"])
    parser.add_argument("path", type=pathlib.Path)
    options = parser.parse_args()
    shape = [int(n) for n in options.shape.split("x")]
    if len(shape) != 4 or shape[0] % 128 or shape[3] < 259:
        parser.error(
            f"shape has value {options.shape}, expected CxLxFxV, "
            "C a multiple of 128 and V at least 259"
        )
    if options.kind in TYPES:
        write(options.path, options.arch, shape, options.kind)
        return 0
    if options.build is None:
        parser.error(f"kind has value {options.kind}, expected --llama.cpp with it")
    plain = options.path.with_suffix(".f32.gguf")
    write(plain, options.arch, shape, "f32")
    try:
        command = [options.build / "bin/llama-quantize", "--pure", plain, options.path, options.kind]
        return subprocess.run(command, stdout=sys.stderr).returncode
    finally:
        plain.unlink()


if __name__ == "__main__":
    sys.exit(main())
