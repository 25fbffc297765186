#!/usr/bin/env python3
"""Makes test data of GGUF with the code of llama.cpp: golden blocks of its kinds, and a small file.

  make.py LLAMA_CPP BLOCKS FILE

LLAMA_CPP is a checkout of llama.cpp that was built in its folder build. A file KIND.bin of the folder BLOCKS has
whole blocks, and behind them their numbers in f32; KIND-encoded.bin numbers, and the blocks that are made of them. The numbers come from libggml-base (dequantize_row_*),
and those of gguf-py have to be the same, bit for bit. Scales that are NaN or infinite are drawn again. FILE is a
model of the architecture llama with random weights, written by gguf-py. Needs NumPy.
"""

import ctypes
import pathlib
import sys

import numpy

NUMBERS = 1024  # of a kind
KINDS = """F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS""".split()
ENCODED = ["Q8_0", "Q4_0", "Q4_1"]
FUNCTIONS = {"F16": "ggml_fp16_to_fp32_row", "BF16": "ggml_bf16_to_fp32_row"}


def numbers_of(library, kind, blocks, count):
    if kind == "F32":
        return blocks.view(numpy.float32)
    name = FUNCTIONS.get(kind, "dequantize_row_" + kind.lower().replace("_k", "_K"))
    out = numpy.empty(count, numpy.float32)
    getattr(library, name)(
        blocks.ctypes.data_as(ctypes.c_void_p),
        out.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_int64(count),
    )
    return out


def golden(library, gguf, kind, random):
    quant_type = gguf.GGMLQuantizationType[kind]
    size, size_bytes = gguf.GGML_QUANT_SIZES[quant_type]
    blocks, numbers = [], []
    while len(numbers) < NUMBERS // size:
        block = random.integers(0, 256, size_bytes, numpy.uint8)
        of_block = numbers_of(library, kind, block, size)
        if numpy.isfinite(of_block).all():
            blocks.append(block)
            numbers.append(of_block)
    blocks, numbers = numpy.concatenate(blocks), numpy.concatenate(numbers)
    twin = gguf.quants.dequantize(blocks.reshape(1, -1), quant_type).reshape(-1)
    if twin.astype(numpy.float32).tobytes() != numbers.tobytes():
        sys.exit(f"{kind}: gguf-py has other numbers than libggml-base, expected the same")
    return blocks.tobytes() + numbers.astype("<f4").tobytes()


def encoded(library, gguf, kind, random):
    """Numbers in f32, and behind them the blocks that quantize_row_*_ref makes of them."""
    numbers = (random.standard_normal(NUMBERS) * 0.02).astype(numpy.float32)
    numbers[:32] = 0
    numbers[32:64] = numpy.arange(32) / 4 - 4  # halves between codes
    numbers[64:96] = numpy.abs(numbers[64:96]) + 1
    size, size_bytes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    blocks = numpy.empty(NUMBERS // size * size_bytes, numpy.uint8)
    getattr(library, f"quantize_row_{kind.lower()}_ref")(
        numbers.ctypes.data_as(ctypes.c_void_p),
        blocks.ctypes.data_as(ctypes.c_void_p),
        ctypes.c_int64(NUMBERS),
    )
    return numbers.astype("<f4").tobytes() + blocks.tobytes()


def write_micro(gguf, path, random):
    """A layer of 2 heads of 16 with a key-value head, 32 numbers wide; keys of every type."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("micro")
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_block_count(1)
    writer.add_feed_forward_length(64)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(500000.0)
    writer.add_uint8("test.u8", 200)
    writer.add_int8("test.i8", -100)
    writer.add_uint16("test.u16", 60000)
    writer.add_int16("test.i16", -30000)
    writer.add_uint32("test.u32", 4000000000)
    writer.add_int32("test.i32", -2000000000)
    writer.add_uint64("test.u64", 1 << 62)
    writer.add_int64("test.i64", -(1 << 62))
    writer.add_float32("test.f32", 0.5)
    writer.add_float64("test.f64", 0.1)
    writer.add_bool("test.bool", True)
    writer.add_array("test.integers", [1, -2, 3])
    writer.add_array("test.numbers", [0.5, 0.25])
    writer.add_array("test.texts", ["", "床前明月光"])
    bytes_of = [f"<0x{i:02X}>" for i in range(256)]
    normal = ["\u2581", "a", "b", "ab", "\u2581ab"]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(["<unk>", "<s>", "</s>", "<mark_1>", *bytes_of, *normal])
    writer.add_token_scores([0.0] * 260 + [-4.0, -5.0, -6.0, 0.0, -1.0])
    writer.add_token_types([2, 3, 3, 1] + [6] * 256 + [1] * len(normal))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template("{{ messages }}")

    def add(name, rows, columns, kind):
        quant_type = gguf.GGMLQuantizationType[kind]
        data = random.standard_normal((rows, columns) if rows else columns).astype(numpy.float32)
        writer.add_tensor(name, gguf.quants.quantize(data, quant_type), raw_dtype=quant_type)

    add("token_embd.weight", 265, 32, "Q4_0")
    add("blk.0.attn_norm.weight", 0, 32, "F32")
    add("blk.0.attn_q.weight", 32, 32, "F16")
    add("blk.0.attn_k.weight", 16, 32, "Q8_0")
    add("blk.0.attn_v.weight", 16, 32, "BF16")
    add("blk.0.attn_output.weight", 32, 32, "Q5_1")
    add("blk.0.ffn_norm.weight", 0, 32, "F32")
    add("blk.0.ffn_gate.weight", 64, 32, "Q4_1")
    add("blk.0.ffn_up.weight", 64, 32, "Q5_0")
    add("blk.0.ffn_down.weight", 32, 64, "Q8_0")
    add("output_norm.weight", 0, 32, "F32")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    checkout, folder, micro = map(pathlib.Path, sys.argv[1:])
    sys.path.insert(0, str(checkout / "gguf-py"))
    import gguf

    library = ctypes.CDLL(str(checkout / "build/bin/libggml-base.so"))
    random = numpy.random.default_rng(7)
    for kind in KINDS:
        (folder / f"{kind}.bin").write_bytes(golden(library, gguf, kind, random))
    write_micro(gguf, micro, random)
    for kind in ENCODED:
        (folder / f"{kind}-encoded.bin").write_bytes(encoded(library, gguf, kind, random))


if __name__ == "__main__":
    main()
