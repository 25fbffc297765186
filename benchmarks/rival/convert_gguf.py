#!/usr/bin/env python3
"""Makes a GGUF of a Baichuan checkpoint, for llama.cpp.

  convert_gguf.py [--llama.cpp BUILD] FOLDER KIND PATH

FOLDER has config.json, tokenizer.model and bf16 weights in .safetensors. KIND is f32, q8_0 or q4_0;
for the last two, llama-quantize of BUILD makes every matrix of that kind.

llama.cpp tells a Baichuan with RoPE from one with ALiBi by its number of layers, which says nothing of
a small one. So a model with RoPE gets the architecture llama and one with ALiBi the architecture
refact, whose computations are the same. W_pack becomes three matrices. With RoPE the rows of queries
and keys are put in the order that llama.cpp turns: a pair side by side, not half a head apart.
The rows of a NormHead are stored with the length 1. The kinds and names of config.json are read as
baichuan4j reads them. Needs Python alone.
"""

import argparse
import array
import json
import math
import pathlib
import struct
import sys

import gguf
import pieces

LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
NAMES = {"token_embd": "embed_tokens", "output_norm": "norm"}
PARTS = ["attn_q", "attn_k", "attn_v"]  # of W_pack, in its order


class Config:
    """What config.json says of a model, read by the rules of BaichuanConfig.java."""

    def __init__(self, path):
        json_of = json.loads(path.read_text())
        self.shape = [
            json_of[key]
            for key in ("hidden_size", "num_hidden_layers", "intermediate_size", "vocab_size")
        ]
        self.heads = json_of["num_attention_heads"]
        self.context = json_of.get("max_position_embeddings") or json_of["model_max_length"]
        self.eps = json_of["rms_norm_eps"]
        self.rope = self.has_rope(json_of)
        self.norm_head = json_of.get(
            "norm_head", "z_loss_weight" in json_of or self.shape[3] >= 125696
        )

    @staticmethod
    def has_rope(json_of):
        if "position_embedding" in json_of:
            return json_of["position_embedding"] == "rope"
        if json_of["hidden_size"] in (4096, 5120):
            return json_of["hidden_size"] == 4096
        return (
            json_of["architectures"] == ["BaiChuanForCausalLM"]
            or "max_position_embeddings" in json_of
        )


class Checkpoint:
    """The tensors of a folder's .safetensors, as bytes of bf16."""

    def __init__(self, folder):
        self.places = {}  # file, sizes, begin and length of each tensor
        files = sorted(folder.glob("*.safetensors"))
        if not files:
            sys.exit(f"{folder} has no .safetensors, expected a checkpoint of one or more")
        for path in files:
            with open(path, "rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                header = json.loads(file.read(length))
            header.pop("__metadata__", None)
            for name, info in header.items():
                if info["dtype"] != "BF16":
                    sys.exit(f"{path}: {name} has type {info['dtype']}, expected BF16")
                begin, end = info["data_offsets"]
                self.places[name] = path, info["shape"], 8 + length + begin, end - begin

    def bytes(self, name, sizes):
        path, shape, begin, length = self.places[name]
        if shape != sizes:
            sys.exit(f"{path}: {name} has shape {shape}, expected {sizes}")
        with open(path, "rb") as file:
            file.seek(begin)
            return file.read(length)


def widened(data):
    """bf16 as f32."""
    out = bytearray(2 * len(data))
    out[2::4] = data[0::2]
    out[3::4] = data[1::2]
    return bytes(out)


def pairs_side_by_side(data, heads, rows):
    """Rows k and k + D/2 of each head follow each other."""
    row = len(data) // rows
    half = rows // heads // 2
    order = (
        head * 2 * half + part * half + k
        for head in range(heads)
        for k in range(half)
        for part in range(2)
    )
    return b"".join(data[i * row : (i + 1) * row] for i in order)


def unit_rows(data, rows):
    """Rows of f32, each divided by its length."""
    values = array.array("f", data)
    width = len(values) // rows
    for at in range(0, len(values), width):
        row = values[at : at + width]
        length = max(math.sqrt(math.fsum(x * x for x in row)), 1e-12)
        values[at : at + width] = array.array("f", (x / length for x in row))
    return values.tobytes()


def weights(config, checkpoint, name, sizes):
    """The bytes of a tensor of the GGUF as f32."""
    c, _, _, v = config.shape
    shape = list(reversed(sizes))
    stem = name.removesuffix(".weight")
    if stem == "output":
        head = widened(checkpoint.bytes("lm_head.weight", shape))
        return unit_rows(head, v) if config.norm_head else head
    if stem in NAMES:
        return widened(checkpoint.bytes(f"model.{NAMES[stem]}.weight", shape))
    _, layer, part = stem.split(".")
    prefix = f"model.layers.{layer}."
    if part in LAYER_NAMES:
        return widened(checkpoint.bytes(f"{prefix}{LAYER_NAMES[part]}.weight", shape))
    packed = checkpoint.bytes(f"{prefix}self_attn.W_pack.weight", [3 * c, c])
    third = len(packed) // 3
    at = PARTS.index(part) * third
    data = packed[at : at + third]
    if config.rope and part != "attn_v":
        data = pairs_side_by_side(data, config.heads, c)
    return widened(data)


def vocabulary(path, size):
    """The pieces of tokenizer.model; the places of ids behind them are unused (5)."""
    known = pieces.Vocabulary(path)
    more = range(len(known.texts), size)
    return gguf.vocabulary_fields(
        known.texts + [f"[PAD{i}]" for i in more],
        known.scores + [-10000.0 for _ in more],
        known.types + [5 for _ in more],
    ) + [
        gguf.field("tokenizer.ggml.add_space_prefix", known.dummy_prefix),
        gguf.field("tokenizer.ggml.add_bos_token", False),
        gguf.field("tokenizer.ggml.add_eos_token", False),
    ]


def write(path, folder):
    config = Config(folder / "config.json")
    checkpoint = Checkpoint(folder)
    arch = "llama" if config.rope else "refact"
    fields = gguf.model_fields(
        arch, folder.name, "f32", config.shape, config.heads, config.context, config.eps
    ) + vocabulary(folder / "tokenizer.model", config.shape[3])

    def tensor(name, sizes):
        return gguf.Tensor(
            name, sizes, "f32", lambda out, _: out.write(weights(config, checkpoint, name, sizes))
        )

    gguf.write(path, fields, [tensor(name, sizes) for name, sizes in gguf.sizes(config.shape)])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llama.cpp", dest="build", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("kind", choices=["f32", *gguf.QUANTIZED])
    parser.add_argument("path", type=pathlib.Path)
    options = parser.parse_args()
    if options.kind == "f32":
        write(options.path, options.folder)
        return 0
    if options.build is None:
        parser.error(f"kind has value {options.kind}, expected --llama.cpp with it")
    return gguf.write_quantized(
        options.path, options.kind, options.build, lambda plain: write(plain, options.folder)
    )


if __name__ == "__main__":
    sys.exit(main())
