"""PyTorch on the shapes that cuda_bench timed: cuBLAS for matmul, SDPA's backends for attention.

    torch_peers.py SECONDS OUT TABLE RESULTS...

RESULTS are JSON lines of cuda_bench; OUT gets JSON lines, TABLE the comparison in markdown. Inputs have
the shapes, types and kind of numbers of cuda_bench's, in as many copies, and launches are replayed as a
CUDA graph, as there. Weights of q8 and q4 stand beside cuBLAS on bf16. A backend's result is held
against a computation in double; one that is wrong gets no time. Exit code 77: no PyTorch, or no GPU in it.
"""
import json
import statistics
import sys
import time

try:
    import torch
    import torch.nn.functional as F
    from torch.nn.attention import SDPBackend, sdpa_kernel
except ImportError as error:
    print(f"no PyTorch: {error}")
    sys.exit(77)

BF16 = torch.bfloat16
HEAD_SIZE = 128
LAUNCHES = 16  # in a graph, at least
SAMPLES = 9


def microseconds(launch, copies):
    """The median time of launch(copy), from a graph that goes through the copies."""
    rounds = -(-LAUNCHES // copies)
    for copy in range(copies):  # warm-up: libraries choose their kernels
        launch(copy)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(rounds):
            for copy in range(copies):
                launch(copy)
    graph.replay()
    samples = []
    for _ in range(SAMPLES):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        graph.replay()
        end.record()
        end.synchronize()
        samples.append(1e3 * start.elapsed_time(end) / (rounds * copies))
    return statistics.median(samples)


def require_close(got, want):
    """One rounding to bf16 is 5e-6 in NMSE; kernels round their weights too."""
    error = ((got.double() - want) ** 2).sum() / (want**2).sum()
    if not error < 1e-4:
        raise ArithmeticError(f"wrong result, NMSE {error:.1e}")


def matmul(case):
    m, n, k = (case["sizes"][letter] for letter in "MNK")
    copies = case["copies"]
    xs = [torch.randn(m, k, device="cuda").to(BF16) for _ in range(copies)]
    ws = [(0.02 * torch.randn(n, k, device="cuda")).to(BF16) for _ in range(copies)]
    require_close(F.linear(xs[0][:1], ws[0])[:, :64], F.linear(xs[0][:1].double(), ws[0][:64].double()))
    yield "cuBLAS", microseconds(lambda i: F.linear(xs[i], ws[i]), copies)


def alibi_mask(heads, queries, positions):
    """[1,H,T,S] in the type of the queries: cuDNN misreads a mask of f32 (pytorch/pytorch#191612)."""
    slopes = 2.0 ** (-8.0 * torch.arange(1, heads + 1, device="cuda") / heads)
    column = torch.arange(positions, device="cuda")
    row = torch.arange(positions - queries, positions, device="cuda")
    distance = (column[None, :] - row[:, None]).float()
    mask = torch.empty(1, heads, queries, positions, device="cuda", dtype=BF16)
    for head in range(heads):  # one by one: f32 of all heads would be gigabytes
        mask[0, head] = (slopes[head] * distance).masked_fill(distance > 0, float("-inf"))
    return mask


def attention(case):
    b, t, s, h = (case["sizes"][letter] for letter in "BTSH")
    copies = case["copies"]
    alibi = "alibi" in case["types"]
    q = [torch.randn(b, h, t, HEAD_SIZE, device="cuda", dtype=BF16) for _ in range(copies)]
    k, v = ([torch.randn(b, h, s, HEAD_SIZE, device="cuda", dtype=BF16) for _ in range(copies)] for _ in range(2))
    mask = alibi_mask(h, t, s) if alibi else None
    causal = t > 1 and not alibi
    scores = q[0][0, :, -1:].double() @ k[0][0].double().mT / HEAD_SIZE**0.5
    if alibi:
        scores += mask[0, :, -1:].double()
    want = scores.softmax(-1) @ v[0][0].double()  # of the last query, which sees every key

    def launch(i):
        return F.scaled_dot_product_attention(q[i], k[i], v[i], attn_mask=mask, is_causal=causal)

    backends = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]
    if hasattr(SDPBackend, "CUDNN_ATTENTION"):
        backends.append(SDPBackend.CUDNN_ATTENTION)
    for backend in backends:
        name = backend.name.replace("_ATTENTION", "").lower()
        try:
            with sdpa_kernel(backend):
                require_close(launch(0)[0, :, -1:], want)
                yield f"SDPA {name}", microseconds(launch, copies)
        except (RuntimeError, ArithmeticError) as error:  # no kernel for the mask or shape, or a wrong one
            print(f"{case['name']}: {name}: {str(error).splitlines()[0]}", flush=True)


def main(seconds, out, table, results):
    if not torch.cuda.is_available():
        print("PyTorch finds no GPU")
        return 77
    start = time.monotonic()
    cases = []
    for path in results:
        with open(path, encoding="utf-8") as file:
            cases += [case for case in map(json.loads, file) if "microseconds" in case]
    peers = {}  # the shape of a bf16 case -> [(who, microseconds)]
    shape_of = lambda case: (case["op"], case["model"], case["part"], tuple(case["sizes"].values()))
    left_out = 0
    with open(out, "w", encoding="utf-8") as file:

        def write(**fields):
            file.write(json.dumps(fields) + "\n")
            file.flush()

        a, c = (torch.randn(8192, 8192, device="cuda", dtype=BF16) for _ in range(2))
        product = microseconds(lambda _: a @ c, 1)
        write(name="matmul 8192x8192x8192 bf16", who="cuBLAS", torch=torch.__version__, microseconds=product,
              tflop_per_s=2 * 8192**3 / product / 1e6)
        del a, c
        for case in cases:
            if case["op"] not in ("matmul", "attention") or not case["types"].startswith("bf16"):
                continue
            if time.monotonic() - start > seconds:
                left_out += 1
                continue
            torch.cuda.empty_cache()
            try:
                for who, time_of in (matmul if case["op"] == "matmul" else attention)(case):
                    peers.setdefault(shape_of(case), []).append((who, time_of))
                    write(name=case["name"], who=who, microseconds=time_of)
            except (RuntimeError, ArithmeticError) as error:  # out of memory, among others
                print(f"{case['name']}: {str(error).splitlines()[0]}", flush=True)
    with open(table, "w", encoding="utf-8") as file:
        file.write(f"PyTorch {torch.__version__}: cuBLAS multiplies 8192x8192x8192 bf16 at "
                   f"{2 * 8192**3 / product / 1e6:.0f} TFLOP/s.\n\n")
        file.write("| kernel | us | peer on bf16 | us | ours is faster by |\n|---|--:|---|--:|--:|\n")
        for case in cases:
            for who, time_of in peers.get(shape_of(case), []):
                ours = case["microseconds"]
                file.write(f"| {case['name']} | {ours:.1f} | {who} | {time_of:.1f} | {time_of / ours:.2f} |\n")
    if left_out:
        print(f"{left_out} shapes left out: no time left")
    return 1 if left_out else 0


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    sys.exit(main(float(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]))
