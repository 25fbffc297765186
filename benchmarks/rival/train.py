#!/usr/bin/env python3
"""Measures training steps beside PyTorch's, in turns, on a random model of Baichuan-7B's architecture.

  train.py --modeling-7b FOLDER [--shape CxLxFxV] [--batch B] [--length S] [--steps N] [--rounds N]

FOLDER has modeling_baichuan.py as Baichuan publishes it, see tools/train-goldens/make.py. PyTorch (Debian's
python3-torch; install libopenblas0-pthread, or its products take several times as long) runs a step of that code
without gradient checkpointing, in f32 and in bf16, with 2 threads; `baichuan finetune` the same batches of samples of
S tokens. Prints, as Markdown, the median tokens per second of all steps but the first, and the peak resident memory.
"""
import argparse
import importlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def peer(options):
    """A child: steps of PyTorch, whose times it prints as JSON."""
    sys.path.insert(0, str(ROOT / "tools/train-goldens"))
    make = importlib.import_module("make")
    torch, nn = make.torch, make.nn
    torch.set_num_threads(options.threads)
    c, layers, f, v = (int(x) for x in options.shape.split("x"))
    make.install_stand_ins(True)
    make.module("published").__path__ = [str(options.modeling_7b.resolve())]
    modeling = importlib.import_module("published.modeling_baichuan")
    configuration = importlib.import_module("published.configuration_baichuan")
    config = configuration.BaiChuanConfig(
        vocab_size=v, hidden_size=c, intermediate_size=f, num_hidden_layers=layers, num_attention_heads=c // 128,
        max_position_embeddings=4096, hidden_act="silu", rms_norm_eps=1e-6, use_cache=False, pad_token_id=0)
    config.initializer_range = 0.02
    model = modeling.BaiChuanForCausalLM(config)
    for parameter in model.parameters():
        if parameter.dim() == 2:
            nn.init.normal_(parameter, 0, 0.02)
    model.model.gradient_checkpointing = False
    model = model.to(torch.bfloat16 if options.type == "bf16" else torch.float32).train()
    if options.method == "lora":
        make.add_lora(model, 8, 16, 1)
        for name, parameter in model.named_parameters():
            if parameter.requires_grad and options.type == "bf16":
                parameter.data = parameter.data.bfloat16()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-5)
    times = []
    for _ in range(options.steps):
        ids = torch.randint(0, v, (options.batch, options.length))
        begin = time.monotonic()
        logits = model(ids).logits[:, :-1].float()
        nn.functional.cross_entropy(logits.reshape(-1, v), ids[:, 1:].reshape(-1)).backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        times.append(time.monotonic() - begin)
    tokens = options.batch * options.length
    print(json.dumps({"tokens_per_second": statistics.median(tokens / t for t in times[1:])}))


def run(command):
    """Runs a program; returns the JSON that it prints, and its peak resident memory in bytes."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))}: exit code {process.returncode}")
        out.seek(0)
        return json.load(out), usage.ru_maxrss * 1024


def ours(options, model, method, folder):
    text = folder / "text.txt"
    if not text.exists():
        letters = random.Random(1)
        count = options.steps * options.batch * options.length
        text.write_text("".join(chr(letters.randrange(0x4E00, 0x9FA5)) for _ in range(count)))
    out = folder / f"out-{method}-{time.monotonic_ns()}"
    command = [str(ROOT / "baichuan"), "finetune", "--model", str(model), "--data", str(text), "--out", str(out),
               "--method", method, "--validation-share", "0", "--epochs", "1", "--batch", str(options.batch),
               "--accumulate", "1", "--max-length", str(options.length), "--max-steps", str(options.steps),
               "--threads", str(options.threads), "--json"]
    return run(command)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modeling-7b", type=Path, required=True)
    parser.add_argument("--shape", default="1024x4x2752x16000")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--methods", default="lora,full")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--method", help=argparse.SUPPRESS)
    parser.add_argument("--type", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return peer(options)
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        model = folder / "model"
        subprocess.run(["java", "tools/RandomCheckpoint.java", str(model), options.shape], cwd=ROOT, check=True,
                       stdout=subprocess.DEVNULL)
        print("| method | program | tokens/s | peak memory, GB |\n|---|---|---|---|")
        for method in options.methods.split(","):
            found = {}
            for _ in range(options.rounds):
                for kind in ("f32", "bf16"):
                    found.setdefault("PyTorch " + kind, []).append(run(
                        ["/usr/bin/python3", __file__, "--peer", "--modeling-7b", str(options.modeling_7b), "--method",
                         method, "--type", kind, "--shape", options.shape, "--batch", str(options.batch), "--length",
                         str(options.length), "--steps", str(options.steps), "--threads", str(options.threads)]))
                found.setdefault("baichuan4j", []).append(ours(options, model, method, folder))
            for program, results in found.items():
                pace = statistics.median(result["tokens_per_second"] for result, _ in results)
                peak = max(peak for _, peak in results)
                print(f"| {method} | {program} | {pace:,.0f} | {peak / 1e9:.2f} |", flush=True)


if __name__ == "__main__":
    main()
