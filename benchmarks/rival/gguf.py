"""GGUF files of Baichuan's shapes, as llama.cpp and llama3.java read them.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import collections
import struct
import subprocess
import sys

ALIGNMENT = 32
TYPES = {"f32": (0, 0, 4), "f16": (1, 1, 2), "bf16": (30, 32, 2)}  # tensor type, file type, bytes
QUANTIZED = ["q8_0", "q4_0"]

# A tensor: its sizes, the fastest first; the name of its type; write(out, bytes) stores the numbers.
Tensor = collections.namedtuple("Tensor", "name sizes kind write")


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def field(key, value):
    """A key and its value: a number, a truth value, a text, or a list of one of them."""
    kinds = {int: (4, "<I"), float: (6, "<f"), bool: (7, "<?"), str: (8, None)}

    def packed(v):
        return text(v) if isinstance(v, str) else struct.pack(kinds[type(v)][1], v)

    if isinstance(value, list):
        kind = kinds[type(value[0])][0]
        if kind == 4:
            kind = 5  # lists of whole numbers are of i32
        body = struct.pack("<IQ", kind, len(value)) + b"".join(packed(v) for v in value)
        return text(key) + struct.pack("<I", 9) + body
    return text(key) + struct.pack("<I", kinds[type(value)][0]) + packed(value)


def model_fields(arch, name, kind, shape, heads, context, eps):
    """The fields of a model. shape: hidden size, layers, ffn, vocabulary."""
    c, layers, f, v = shape
    return [
        field("general.architecture", arch),
        field("general.name", name),
        field("general.file_type", TYPES[kind][1]),
        field(f"{arch}.context_length", context),
        field(f"{arch}.embedding_length", c),
        field(f"{arch}.block_count", layers),
        field(f"{arch}.feed_forward_length", f),
        field(f"{arch}.rope.dimension_count", c // heads),
        field(f"{arch}.attention.head_count", heads),
        field(f"{arch}.attention.head_count_kv", heads),
        field(f"{arch}.attention.layer_norm_rms_epsilon", eps),
        field(f"{arch}.rope.freq_base", 10000.0),
        field(f"{arch}.vocab_size", v),
    ]


def vocabulary_fields(pieces, scores, types):
    """The fields of a SentencePiece vocabulary whose first pieces are <unk>, <s>, </s>."""
    return [
        field("tokenizer.ggml.model", "llama"),
        field("tokenizer.ggml.tokens", pieces),
        field("tokenizer.ggml.scores", scores),
        field("tokenizer.ggml.token_type", types),
        field("tokenizer.ggml.bos_token_id", 1),
        field("tokenizer.ggml.eos_token_id", 2),
        field("tokenizer.ggml.unknown_token_id", 0),
    ]


def sizes(shape):
    """Names and sizes of the tensors of a shape. Those of two dimensions are matrices."""
    c, layers, f, v = shape
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


def write(path, fields, tensors):
    infos, lengths, offset = [], [], 0
    for tensor in tensors:
        length = TYPES[tensor.kind][2]
        for size in tensor.sizes:
            length *= size
        dimensions = len(tensor.sizes)
        infos.append(
            text(tensor.name)
            + struct.pack("<I", dimensions)
            + struct.pack(f"<{dimensions}Q", *tensor.sizes)
            + struct.pack("<IQ", TYPES[tensor.kind][0], offset)
        )
        lengths.append(length)
        offset += -(-length // ALIGNMENT) * ALIGNMENT
    with open(path, "wb") as out:
        out.write(struct.pack("<4sIQQ", b"GGUF", 3, len(infos), len(fields)))
        out.write(b"".join(fields) + b"".join(infos))
        out.write(bytes(-out.tell() % ALIGNMENT))
        for tensor, length in zip(tensors, lengths):
            start = out.tell()
            tensor.write(out, length)
            if out.tell() - start != length:
                raise ValueError(f"{tensor.name} has {out.tell() - start} bytes, expected {length}")
            out.write(bytes(-out.tell() % ALIGNMENT))


def write_quantized(path, kind, build, write_plain):
    """Makes every matrix of a kind with llama-quantize of a build of llama.cpp; returns its status.

    write_plain(path) stores the model as f32.
    """
    plain = path.with_suffix(".f32.gguf")
    write_plain(plain)
    try:
        command = [build / "bin/llama-quantize", "--pure", plain, path, kind]
        return subprocess.run(command, stdout=sys.stderr).returncode
    finally:
        plain.unlink()


# Where a tensor of a file lies: its sizes, the fastest first, and its bytes, padding included.
Place = collections.namedtuple("Place", "name sizes bytes")


def places(path):
    """The tensors of a file, of whatever kinds: their bytes end where the next one begins."""
    with open(path, "rb") as file:
        number = lambda form: struct.unpack("<" + form, file.read(struct.calcsize("<" + form)))[0]
        string = lambda: file.read(number("Q")).decode()
        widths = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}

        def skip(kind):
            if kind == 8:
                string()
            elif kind == 9:
                inner, count = number("I"), number("Q")
                for _ in range(count):
                    skip(inner)
            else:
                file.read(widths[kind])

        if file.read(4) != b"GGUF":
            sys.exit(f"{path} is no GGUF file")
        number("I")
        count, keys = number("Q"), number("Q")
        for _ in range(keys):
            string()
            skip(number("I"))
        found = []
        for _ in range(count):
            name = string()
            sizes = [number("Q") for _ in range(number("I"))]
            number("I")
            found.append((number("Q"), name, sizes))
        begin = -file.tell() % ALIGNMENT + file.tell()
        file.seek(0, 2)
        ends = sorted(offset for offset, _, _ in found)[1:] + [file.tell() - begin]
    found.sort()
    return [Place(name, sizes, end - offset) for (offset, name, sizes), end in zip(found, ends)]
