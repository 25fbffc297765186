#!/usr/bin/env python3
"""Makes test data of quantized checkpoints with the code of the libraries that write and read them.

  make.py BITSANDBYTES GPTQMODEL AUTOAWQ COMPRESSED_TENSORS OUT FUZZ MODEL

The first four are checkouts of github.com/bitsandbytes-foundation/bitsandbytes, ModelCloud/GPTQModel,
casper-hansen/AutoAWQ and vllm-project/compressed-tensors. Of each, the functions that turn codes into numbers are
taken out of their files and run on random codes by PyTorch on the CPU, so that nothing of the libraries needs to
be installed. A file NAME.safetensors of the folder OUT has the tensors of one matrix, module "m", as a checkpoint
has them, and "expected", its numbers in f32; its metadata has the quantization_config and the matrix's shape. A
file NAME.bin is the same in the format of torch.save, with its numbers and metadata in NAME.expected.safetensors.
The folder FUZZ gets some of the files without their numbers, which a fuzz test starts from. MODEL becomes a small
model of random weights as Baichuan2's *-Chat-4bits are saved; MODEL/numbers has the numbers of its codes in f16.
Needs PyTorch 1.13 or later and NumPy.
"""

import ast
import json
import math
import pathlib
import shutil
import sys
import types
from typing import Optional

import torch

ROWS, COLUMNS = 32, 96
NAMES = {
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.int8: "I8",
    torch.uint8: "U8",
}


def functions(path, *names, **world):
    """Runs only the named functions and methods of a Python file, in a world of a few modules."""
    scope = {"torch": torch, "t": torch, "math": math, "TorchTensor": torch.Tensor, **world}
    tree = ast.parse(pathlib.Path(path).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in names:
            node.decorator_list = []
            node.returns = None
            for argument in node.args.args + node.args.kwonlyargs:
                argument.annotation = None
            module = ast.Module([node], [])
            exec(compile(ast.fix_missing_locations(module), str(path), "exec"), scope)
    return types.SimpleNamespace(**{name: scope[name] for name in names})


def kernel(path, operator, **world):
    """The function of a file that bitsandbytes registers for an operator."""
    for node in ast.parse(pathlib.Path(path).read_text()).body:
        if isinstance(node, ast.FunctionDef) and any(
            isinstance(d, ast.Call) and getattr(d.func, "id", "") == "register_kernel" and d.args[0].value == operator
            for d in node.decorator_list
        ):
            node.decorator_list = []
            scope = {"torch": torch, "Optional": Optional, **world}
            exec(compile(ast.Module([node], []), str(path), "exec"), scope)
            return scope[node.name]
    sys.exit(f"{path}: no kernel of {operator}")


class Table:
    """A vector that PyTorch 1.13, too, indexes with 32-bit integers."""

    def __init__(self, values):
        self.values = values

    def __getitem__(self, indices):
        return self.values[indices.long()]


class LongIndices:
    """PyTorch whose ranges are of 64 bits, for the same reason."""

    def __getattr__(self, name):
        return getattr(torch, name)

    @staticmethod
    def arange(*bounds, **_):
        return torch.arange(*bounds)


def save(path, tensors, metadata):
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in tensors.items():
        raw = tensor.contiguous()
        raw = raw.view(torch.int16) if raw.dtype == torch.bfloat16 else raw
        raw = raw.numpy().tobytes()
        header[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def metadata(config):
    return {"quantization_config": json.dumps(config), "shape": json.dumps([ROWS, COLUMNS])}


def words(*shape):
    return torch.randint(-(2**31), 2**31, shape, dtype=torch.int64).to(torch.int32)


def scales(*shape, dtype=torch.float16):
    return (torch.rand(shape) * 0.02 + 1e-5).to(dtype)


def gptq(root, out):
    linear = root / "gptqmodel/nn_modules/qlinear/__init__.py"
    code = functions(
        linear, "dequantize_weight", "_dequantize_from_codes", "_torch_right_shift", "_torch_left_shift"
    )
    shift = functions(
        root / "gptqmodel/utils/model_dequant.py",
        *["_shift_gptq_qzeros", "_correct_gptq_v1_qzeros", "unpack_cols", "pack_cols"],
        *["_unpack_cols_3bit", "_pack_cols_3bit", "_require_int32_words_for_3bit"],
        PLANAR_BITS=(),
    )
    class Quiet:
        once = staticmethod(lambda *text: None)

    convert = functions(
        root / "gptqmodel/utils/model.py",
        "convert_gptq_v1_to_v2_format_module",
        BaseQuantLinear=object,
        log=types.SimpleNamespace(info=Quiet),
        _correct_gptq_v1_qzeros=shift._correct_gptq_v1_qzeros,
    )

    def case(name, bits, group, version, act_order=False, dtype=torch.float16, borrow=False):
        groups = COLUMNS // group if group > 0 else 1
        qweight = words(COLUMNS * bits // 32, ROWS)
        qzeros = words(groups, ROWS * bits // 32)
        order = torch.arange(COLUMNS, dtype=torch.int32) // (group if group > 0 else COLUMNS)
        if act_order:
            order = order[torch.randperm(COLUMNS)]
        parts = {"m.qweight": qweight, "m.qzeros": qzeros.clone(), "m.scales": scales(groups, ROWS, dtype=dtype)}
        parts["m.g_idx"] = order.to(torch.int32)
        module = types.SimpleNamespace(
            planar=False,
            bits=bits,
            qweight=qweight,
            qzeros=qzeros,
            scales=parts["m.scales"],
            g_idx=order,
            maxq=2**bits - 1,
            pack_factor=32 // bits,
            dequant_dtype=torch.int16 if bits == 8 else torch.int8,
            qzero_format=lambda format: None,
            _init_wf_unsqueeze_buffers=lambda: None,
        )
        module._dequantize_from_codes = lambda *a, **k: code._dequantize_from_codes(module, *a, **k)
        if version == 1:
            convert.convert_gptq_v1_to_v2_format_module(module, bits, torch.int32)
        if bits == 3:
            wf = [list(range(0, 31, 3)) + [0], [0] + list(range(1, 32, 3)), [0] + list(range(2, 30, 3)) + [0]]
            wf = torch.tensor([row[:12] + [0] * (12 - len(row)) for row in wf], dtype=torch.int32).reshape(1, 3, 12)
        else:
            wf = torch.arange(0, 32, bits, dtype=torch.int32).unsqueeze(0)
        module.wf_unsqueeze_zero, module.wf_unsqueeze_neg_one = wf.unsqueeze(0), wf.unsqueeze(-1)
        expected = code.dequantize_weight(module).t().float()
        config = {"quant_method": "gptq", "bits": bits, "group_size": group, "desc_act": act_order, "sym": False}
        config["checkpoint_format"] = "gptq" if version == 1 else "gptq_v2"
        save(out / f"{name}.safetensors", {**parts, "expected": expected}, metadata(config))

    for bits in (2, 3, 4, 8):
        case(f"gptq-{bits}", bits, 32, 1)
        case(f"gptq-{bits}-v2", bits, 32, 2)
    case("gptq-4-act-order", 4, 32, 1, act_order=True)
    case("gptq-3-act-order", 3, 32, 2, act_order=True)
    case("gptq-4-row", 4, -1, 1)
    case("gptq-4-bf16", 4, 32, 2, dtype=torch.bfloat16)


def awq(root, out):
    names = ["unpack_awq", "reverse_awq_order", "dequantize_gemm"]
    packing = root / "awq/utils/packing_utils.py"
    code = functions(packing, *names, torch=LongIndices(), AWQ_REVERSE_ORDER=[0, 4, 1, 5, 2, 6, 3, 7])
    for name, group in (("awq", 32), ("awq-row", -1)):
        size = group if group > 0 else COLUMNS
        groups = COLUMNS // size
        parts = {
            "m.qweight": words(COLUMNS, ROWS // 8),
            "m.qzeros": words(groups, ROWS // 8),
            "m.scales": scales(groups, ROWS),
        }
        expected = code.dequantize_gemm(parts["m.qweight"], parts["m.qzeros"], parts["m.scales"], 4, size)
        config = {"quant_method": "awq", "bits": 4, "group_size": group, "version": "gemm", "zero_point": True}
        save(out / f"{name}.safetensors", {**parts, "expected": expected.t().float()}, metadata(config))


def compressed_tensors(root, out):
    base = root / "src/compressed_tensors"
    packing = functions(base / "compressors/pack_quantized/helpers.py", "pack_to_int32", "unpack_from_int32")
    forward = functions(base / "quantization/lifecycle/forward_helpers.py", "_dequantize")

    def case(name, bits, group, dtype, zeros=None, act_order=False, packed=True, unset=False):
        size = group if group > 0 else COLUMNS
        groups = COLUMNS // size
        low, high = -(2 ** (bits - 1)), 2 ** (bits - 1)
        q = torch.randint(low, high, (ROWS, COLUMNS)).to(torch.int8)
        scale = scales(ROWS, groups, dtype=dtype)
        parts = {"m.weight_scale": scale}
        if packed:
            parts["m.weight_packed"] = packing.pack_to_int32(q, bits)
            parts["m.weight_shape"] = torch.tensor([ROWS, COLUMNS])
            assert torch.equal(packing.unpack_from_int32(parts["m.weight_packed"], bits, torch.Size(q.shape)), q)
        else:
            parts["m.weight"] = q
        order = torch.arange(COLUMNS) // size
        if act_order:
            order = order[torch.randperm(COLUMNS)]
            parts["m.weight_g_idx"] = order.to(torch.int32)
        if unset:  # what the library's groups are before they are given
            parts["m.weight_g_idx"] = torch.full((COLUMNS,), -1, dtype=torch.int32)
        zero = None
        if zeros:
            zero = torch.randint(low, high, (ROWS, groups)).to(torch.int8)
            parts["m.weight_zero_point"] = (
                packing.pack_to_int32(zero, bits, packed_dim=0).contiguous() if zeros == "packed" else zero
            )
            zero = zero[:, order]
        expected = forward._dequantize(q, scale[:, order], zero, dtype)
        weights = {"num_bits": bits, "type": "int", "symmetric": zeros is None, "dynamic": False}
        weights.update(strategy="group" if group > 0 else "channel", group_size=group if group > 0 else None)
        if act_order:
            weights["actorder"] = "group"
        config = {
            "quant_method": "compressed-tensors",
            "format": "pack-quantized" if packed else "int-quantized",
            "quantization_status": "compressed",
            "ignore": ["lm_head"],
            "config_groups": {
                "group_0": {
                    "targets": ["Linear"],
                    "weights": weights,
                    "input_activations": None,
                    "output_activations": None,
                }
            },
        }
        save(out / f"{name}.safetensors", {**parts, "expected": expected.float()}, metadata(config))

    case("compressed-4", 4, 32, torch.bfloat16)
    case("compressed-4-zeros", 4, 32, torch.bfloat16, zeros="packed")
    case("compressed-4-zero-bytes", 4, 32, torch.float16, zeros="bytes")
    case("compressed-4-act-order", 4, 32, torch.bfloat16, act_order=True)
    case("compressed-8-row", 8, -1, torch.float16)
    case("compressed-8-zeros", 8, 32, torch.bfloat16, zeros="packed")
    case("compressed-8-bytes", 8, -1, torch.bfloat16, packed=False)
    case("compressed-4-unset-order", 4, 32, torch.bfloat16, unset=True)


def bitsandbytes(root, out):
    base = root / "bitsandbytes"
    maps = functions(base / "functional.py", "create_dynamic_map", "get_4bit_type")
    four = functions(base / "backends/default/ops.py", "_dequantize_4bit_compute", prod=math.prod)
    eight = functions(base / "backends/default/ops.py", "_dequantize_blockwise_compute")
    count = ROWS * COLUMNS

    def case(name, book, block, dtype, nested, storage=torch.uint8, old=False):
        quant_map = maps.get_4bit_type(book, device="cpu")
        codes = torch.randint(0, 256, (count // 2, 1), dtype=torch.uint8)
        blocks = count // block
        state = {"quant_type": book, "blocksize": block, "dtype": str(dtype)[6:], "shape": [ROWS, COLUMNS]}
        parts = {"m.weight": codes}
        if nested:
            absmax = torch.randint(0, 256, (blocks,), dtype=torch.uint8)
            outer = torch.rand(-(-blocks // nested)) * 0.05
            inner_map = maps.create_dynamic_map()
            offset = torch.tensor(0.0723)
            numbers = eight._dequantize_blockwise_compute(absmax, outer, inner_map, nested, torch.float32)
            numbers += offset
            state.update(nested_blocksize=nested, nested_dtype="float32", nested_offset=offset.item())
            parts.update({"m.weight.nested_absmax": outer, "m.weight.nested_quant_map": inner_map})
        else:
            absmax = numbers = torch.rand(blocks) * 0.05
        table, shape = Table(quant_map), (ROWS, COLUMNS)
        expected = four._dequantize_4bit_compute(codes.reshape(-1), numbers, table, block, shape, dtype)
        config = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": book}
        expected = {"expected": expected.float()}
        if old:
            inner = [outer, inner_map, nested, False, torch.float32, None, None]
            state = [absmax, torch.Size([ROWS, COLUMNS]), dtype, block, [offset, inner], book, quant_map]
            torch.save({"m.weight.data": codes, "m.weight.quant_state": state}, out / f"{name}.bin")
            del config["quant_method"]
            save(out / f"{name}.expected.safetensors", expected, metadata(config))
            return
        parts["m.weight"] = codes.reshape(-1).view(storage).reshape(-1, 1)
        parts.update({"m.weight.absmax": absmax, "m.weight.quant_map": quant_map})
        text = torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)
        parts[f"m.weight.quant_state.bitsandbytes__{book}"] = text
        save(out / f"{name}.safetensors", {**parts, **expected}, metadata(config))
        if name == "bitsandbytes-nf4":
            torch.save(parts, out / f"{name}-saved.bin")
            save(out / f"{name}-saved.expected.safetensors", expected, metadata(config))

    case("bitsandbytes-nf4", "nf4", 64, torch.float16, 16)
    case("bitsandbytes-nf4-plain", "nf4", 64, torch.bfloat16, None, storage=torch.bfloat16)
    case("bitsandbytes-fp4", "fp4", 128, torch.float32, None)
    case("baichuan2-4bits", "nf4", 64, torch.float16, 16, old=True)

    dequantize = kernel(base / "_ops.py", "bitsandbytes::int8_vectorwise_dequant")
    parts = {
        "m.weight": torch.randint(-127, 128, (ROWS, COLUMNS)).to(torch.int8),
        "m.SCB": torch.rand(ROWS) * 0.3,
        "m.weight_format": torch.tensor(0, dtype=torch.uint8),
    }
    config = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    expected = {"expected": dequantize(parts["m.weight"], parts["m.SCB"])}
    save(out / "bitsandbytes-int8.safetensors", {**parts, **expected}, metadata(config))
    parts["m.weight_format"] = "row"
    torch.save(parts, out / "bitsandbytes-int8-saved.bin")
    save(out / "bitsandbytes-int8-saved.expected.safetensors", expected, metadata(config))


def baichuan2(root, folder):
    """One layer of a Baichuan 2 with RoPE and NormHead, saved as Baichuan2's quantizer.py expects it."""
    base = root / "bitsandbytes"
    ops = base / "backends/default/ops.py"
    maps = functions(base / "functional.py", "create_dynamic_map", "get_4bit_type")
    code = maps.get_4bit_type("nf4", device="cpu")
    bounds = functions(ops, "_get_4bit_quantize_bounds", _get_4bit_code=lambda *_: code)._get_4bit_quantize_bounds
    quantize_4bit = kernel(ops, "bitsandbytes::quantize_4bit", _get_4bit_quantize_bounds=bounds)
    quantize_blockwise = kernel(ops, "bitsandbytes::quantize_blockwise")
    four = functions(ops, "_dequantize_4bit_compute", prod=math.prod)
    eight = functions(ops, "_dequantize_blockwise_compute")
    config = {
        "architectures": ["BaichuanForCausalLM"],
        "model_type": "baichuan",
        "torch_dtype": "float16",
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 1,
        "num_attention_heads": 1,
        "vocab_size": 96,
        "max_position_embeddings": 256,
        "model_max_length": 256,
        "rms_norm_eps": 1e-6,
        "hidden_act": "silu",
        "z_loss_weight": 0,
        "tie_word_embeddings": False,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    hidden, middle, vocabulary = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    layer = "model.layers.0."
    plain = {
        "model.embed_tokens.weight": torch.randn(vocabulary, hidden),
        layer + "input_layernorm.weight": 1 + 0.1 * torch.randn(hidden),
        layer + "post_attention_layernorm.weight": 1 + 0.1 * torch.randn(hidden),
        "model.norm.weight": 1 + 0.1 * torch.randn(hidden),
        "lm_head.weight": torch.randn(vocabulary, hidden),
    }
    plain = {name: tensor.to(torch.float16) for name, tensor in plain.items()}
    saved, numbers = dict(plain), dict(plain)
    shapes = {"self_attn.W_pack": (3 * hidden, hidden), "self_attn.o_proj": (hidden, hidden)}
    shapes.update({"mlp.gate_proj": (middle, hidden), "mlp.up_proj": (middle, hidden)})
    shapes["mlp.down_proj"] = (hidden, middle)
    inner_map = maps.create_dynamic_map()
    for name, shape in shapes.items():
        weight = (torch.randn(shape) / math.sqrt(shape[1])).to(torch.float16)
        codes, absmax = quantize_4bit(weight, 64, "nf4", torch.uint8)
        offset = absmax.mean()
        quantized, outer = quantize_blockwise(absmax - offset, inner_map, 256)
        inner = [outer, inner_map, 256, False, torch.float32, None, None]
        state = [quantized, weight.shape, torch.float16, 64, [offset, inner], "nf4", code]
        saved[f"{layer}{name}.weight.data"], saved[f"{layer}{name}.weight.quant_state"] = codes, state
        absmax = eight._dequantize_blockwise_compute(quantized, outer, inner_map, 256, torch.float32) + offset
        numbers[f"{layer}{name}.weight"] = four._dequantize_4bit_compute(
            codes.reshape(-1), absmax, Table(code), 64, shape, torch.float16
        )
    (folder / "numbers").mkdir(parents=True, exist_ok=True)
    torch.save(saved, folder / "pytorch_model.bin")
    save(folder / "numbers/model.safetensors", numbers, {"format": "pt"})
    (folder / "numbers/config.json").write_text(json.dumps(config, indent=2) + "\n")
    config["quantization_config"] = {
        "bnb_4bit_compute_dtype": "float16",
        "bnb_4bit_quant_type": "nf4",
        "bnb_4bit_use_double_quant": True,
        "llm_int8_enable_fp32_cpu_offload": False,
        "llm_int8_has_fp16_weight": False,
        "llm_int8_skip_modules": None,
        "llm_int8_threshold": 6.0,
        "load_in_4bit": True,
        "load_in_8bit": False,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def without_numbers(file):
    """The bytes of a file less those of its last tensor, which is "expected"."""
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    begin, end = header.pop("expected")["data_offsets"]
    assert end == len(data) - 8 - length
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length : 8 + length + begin]


def main():
    if len(sys.argv) != 8:
        sys.exit(__doc__)
    roots = [pathlib.Path(path) for path in sys.argv[1:5]]
    out, fuzz = pathlib.Path(sys.argv[5]), pathlib.Path(sys.argv[6])
    out.mkdir(parents=True, exist_ok=True)
    fuzz.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(16)
    for make, root in zip((bitsandbytes, gptq, awq, compressed_tensors), roots):
        make(root, out)
    for name in ("bitsandbytes-nf4", "bitsandbytes-int8", "gptq-3-act-order", "awq", "compressed-4-zeros"):
        (fuzz / f"{name}.safetensors").write_bytes(without_numbers(out / f"{name}.safetensors"))
    shutil.copy(out / "baichuan2-4bits.bin", fuzz)
    baichuan2(roots[0], pathlib.Path(sys.argv[7]))


main()
