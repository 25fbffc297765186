#!/usr/bin/env python3
"""Makes the loss curves of PyTorch that fine-tuning here is held against.

  make.py --modeling-7b FOLDER --modeling-13b FOLDER [--steps 50]

FOLDER has modeling_baichuan.py and configuration_baichuan.py as Baichuan publishes them: of Baichuan-7B its
GitHub repository's models/, of Baichuan2-13B what lies beside its weights. That code is run as it stands, in
f32, on the tiny models of this repository, with AdamW and the clipping of PyTorch; what it imports of
transformers, xformers and accelerate is replaced by the little of it that a training pass needs. Debian's
python3-torch suffices.

Reads src/test/fixtures/training/samples.json (token ids, and which of them have labels) and writes
src/test/fixtures/training/MODEL-METHOD.json: what was asked for, and the loss and the norm of the gradient of
every step. A batch's loss is the mean over its targets. A of LoRA begins with the numbers of Java's
SplittableRandom, as TrainedWeights has them.
"""
import argparse
import importlib
import json
import math
import struct
import sys
import types
from pathlib import Path

import numpy as np
import torch
from torch import nn

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "src/test/fixtures/training"
LORA_TARGETS = ["W_pack", "o_proj", "gate_proj", "up_proj", "down_proj"]


# ---- What the published code imports

class PretrainedConfig:
    use_return_dict = True
    output_attentions = False
    output_hidden_states = False
    gradient_checkpointing = False

    def __init__(self, **keys):
        for key, value in keys.items():
            setattr(self, key, value)


class PreTrainedModel(nn.Module):
    def __init__(self, config, *_, **__):
        super().__init__()
        self.config = config

    def post_init(self):
        pass


class Output(dict):
    def __init__(self, **keys):
        super().__init__(**keys)
        self.__dict__.update(keys)

    def __getitem__(self, key):
        return list(self.values())[key] if isinstance(key, int) else super().__getitem__(key)


def causal_attention(query, key, value, attn_bias=None):
    """xformers' memory_efficient_attention with LowerTriangularMask: [B,S,H,D] each."""
    q, k, v = (x.transpose(1, 2) for x in (query, key, value))
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    length = scores.shape[-1]
    scores = scores.masked_fill(torch.triu(torch.ones(length, length, dtype=torch.bool), 1), -math.inf)
    return (torch.softmax(scores, -1) @ v).transpose(1, 2)


def module(name, **members):
    made = types.ModuleType(name)
    made.__path__ = []
    for key, value in members.items():
        setattr(made, key, value)
    sys.modules[name] = made
    return made


def install_stand_ins(with_xformers):
    quiet = types.SimpleNamespace(get_logger=lambda _: types.SimpleNamespace(
        warning=lambda *a: None, warning_once=lambda *a: None, info=lambda *a: None))
    same = lambda *a, **k: (lambda f: f)
    outputs = dict.fromkeys(["BaseModelOutputWithPast", "CausalLMOutputWithPast",
                             "SequenceClassifierOutputWithPast"], Output)
    module("transformers", PreTrainedModel=PreTrainedModel, PretrainedConfig=PretrainedConfig,
           add_start_docstrings=same)
    module("transformers.activations", ACT2FN={"silu": nn.functional.silu})
    module("transformers.modeling_outputs", **outputs)
    module("transformers.configuration_utils", PretrainedConfig=PretrainedConfig)
    module("transformers.generation")
    module("transformers.generation.utils", GenerationConfig=object)
    module("transformers.utils", logging=quiet, ContextManagers=object,
           add_start_docstrings_to_model_forward=same, replace_return_docstrings=same)
    module("accelerate", init_empty_weights=None)
    if with_xformers:
        ops = types.SimpleNamespace(memory_efficient_attention=causal_attention,
                                    LowerTriangularMask=lambda: None)
        module("xformers", ops=ops)
    else:
        sys.modules["xformers"] = None  # the published code goes on without it


# ---- Models

def read_safetensors(path):
    raw = path.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + size + at for at in entry["data_offsets"])
        assert entry["dtype"] == "BF16", entry
        bits = np.frombuffer(raw[begin:end], "<u2").astype(np.uint32) << 16
        out[name] = torch.from_numpy(bits.view(np.float32).reshape(entry["shape"]).copy())
    return out


def load(folder, code):
    package = f"published_{folder.name.replace('-', '_')}"
    module(package).__path__ = [str(code)]
    module(f"{package}.generation_utils", build_chat_input=None, TextIterStreamer=None)
    modeling = importlib.import_module(f"{package}.modeling_baichuan")
    configuration = importlib.import_module(f"{package}.configuration_baichuan")
    keys = json.loads((folder / "config.json").read_text())
    config = next(value for name, value in vars(configuration).items()
                  if name.lower() == "baichuanconfig")(**keys)
    config.use_return_dict = True
    model = next(value for name, value in vars(modeling).items()
                 if name.lower() == "baichuanforcausallm")(config)
    missing, unexpected = model.load_state_dict(read_safetensors(folder / "model.safetensors"), strict=False)
    assert not unexpected and all("inv_freq" in name for name in missing), (missing, unexpected)
    model.model.gradient_checkpointing = False  # which wants inputs that have a gradient
    return model.float().train()


class SplittableRandom:
    MASK = (1 << 64) - 1

    def __init__(self, seed):
        self.state = seed & self.MASK

    def next_double(self):
        self.state = z = (self.state + 0x9E3779B97F4A7C15) & self.MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & self.MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & self.MASK
        return ((z ^ (z >> 31)) >> 11) * 2.0**-53


class Lora(nn.Module):
    """y = base(x) + alpha / rank (x A^T) B^T, as peft has it."""

    def __init__(self, base, rank, alpha, random):
        super().__init__()
        self.base = base
        self.scale = alpha / rank
        limit = 1 / math.sqrt(base.in_features)
        numbers = [(2 * random.next_double() - 1) * limit for _ in range(rank * base.in_features)]
        self.a = nn.Parameter(torch.tensor(numbers, dtype=torch.float32).view(rank, base.in_features))
        self.b = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x):
        return self.base(x) + self.scale * (x @ self.a.T @ self.b.T)


def add_lora(model, rank, alpha, seed):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    random = SplittableRandom(seed)
    for layer in model.model.layers:
        for name in LORA_TARGETS:
            owner = layer.self_attn if hasattr(layer.self_attn, name) else layer.mlp
            setattr(owner, name, Lora(getattr(owner, name), rank, alpha, random))


# ---- Training

def run(model, samples, settings, steps):
    matrices = [p for p in model.parameters() if p.requires_grad and p.dim() == 2]
    vectors = [p for p in model.parameters() if p.requires_grad and p.dim() == 1]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": settings["decay"]}, {"params": vectors, "weight_decay": 0.0}],
        lr=settings["rate"], betas=settings["betas"], eps=settings["eps"])
    losses, norms = [], []
    for step in range(steps):
        batch = [samples[(step * settings["batch"] + i) % len(samples)] for i in range(settings["batch"])]
        targets = sum(sum(label >= 0 for label in sample["labels"][1:]) for sample in batch)
        optimizer.zero_grad()
        total = 0.0
        for sample in batch:
            logits = model(torch.tensor([sample["ids"]])).logits[0, :-1]
            labels = torch.tensor(sample["labels"][1:])
            loss = nn.functional.cross_entropy(logits, labels, ignore_index=-100, reduction="sum") / targets
            loss.backward()
            total += loss.item()
        norms.append(nn.utils.clip_grad_norm_(matrices + vectors, settings["max_norm"]).item())
        optimizer.step()
        losses.append(total)
    return {**settings, "losses": losses, "norms": norms}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modeling-7b", type=Path, required=True)
    parser.add_argument("--modeling-13b", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=50)
    options = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(2)
    all_samples = json.loads((FIXTURES / "samples.json").read_text())
    # The chat model knows its samples: at larger rates its gradient soon is nothing but rounding errors.
    for name, code, with_xformers, rates in [
            ("tiny-baichuan-7b", options.modeling_7b, True, {"full": 2e-4, "lora": 2e-3}),
            ("tiny-baichuan2-13b-chat", options.modeling_13b, False, {"full": 2e-5, "lora": 3e-4})]:
        install_stand_ins(with_xformers)
        for method in ["full", "lora"]:
            model = load(ROOT / "models" / name, code.resolve())
            settings = {"model": name, "method": method, "batch": 2, "betas": [0.9, 0.98], "eps": 1e-8,
                        "max_norm": 1.0, "decay": 0.01, "rate": rates[method]}
            if method == "lora":
                settings.update(rank=4, alpha=8, seed=11)
                add_lora(model, 4, 8, 11)
            result = run(model, all_samples[name], settings, options.steps)
            (FIXTURES / f"{name}-{method}.json").write_text(json.dumps(result) + "\n")
            print(name, method, result["losses"][0], "to", result["losses"][-1])


if __name__ == "__main__":
    main()
