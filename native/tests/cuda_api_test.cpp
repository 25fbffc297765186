// The boundary on a GPU: a layer gives what the CPU gives, recorded or not; int32 inputs are checked
// on every run; what a GPU cannot do is refused with a message.
#include <algorithm>
#include <cmath>

#include "api_checks.h"
#include "cuda_device.h"

#ifndef BC_ON_GPU
#include "simt/gpu.h"
#endif

using namespace bc;
using namespace bc::test;

namespace {

constexpr int64_t kC = 256;
constexpr int64_t kF = 384;
constexpr int64_t kV = 328;
constexpr int64_t kT = 5;  // tokens of two sequences, 3 and 2
constexpr int64_t kPages = 4;

constexpr int32_t kInt3 = BC_CODES(3, 6, BC_FORM_GRID);

// A masked row allows two tokens of the second word of its mask.
constexpr int32_t kFirst = 36;
constexpr int32_t kAllowed = 3 << (kFirst - 32);

// Heads of a layer: H D is kC.
struct Heads {
  int64_t H = 2, G = 2, D = 128;
  int32_t window = 0;
  bool normed = false;
};

// Activations are bf16 on the GPU and f32 on the CPU; the same random weights on both.
struct Layer {
  Layer(int32_t device, int32_t weights, int32_t cache, const Heads& heads_ = {})
      : context(context_on(device)),
        activations(device == BC_CPU ? BC_F32 : BC_BF16),
        heads(heads_) {
    const int64_t width = (heads.H + 2 * heads.G) * heads.D;
    ids = tensor(context, BC_I32, {kT});
    positions = tensor(context, BC_I32, {kT});
    offsets = tensor(context, BC_I32, {3});
    table = tensor(context, BC_I32, {2, 2});
    x = tensor(context, BC_F32, {kT, kC});
    h = tensor(context, activations, {kT, kC});
    qkv = tensor(context, activations, {kT, width});
    gate = tensor(context, activations, {kT, kF});
    up = tensor(context, activations, {kT, kF});
    logits = tensor(context, BC_F32, {kT, kV});
    values = tensor(context, BC_F32, {kT, 4});
    best = tensor(context, BC_I32, {kT, 4});
    masks = tensor(context, BC_I32, {1, (kV + 31) / 32});
    mask_of = tensor(context, BC_I32, {kT});
    pages = tensor(context, cache, {kPages, 2, heads.G, BC_PAGE_SIZE, heads.D});
    if (cache == BC_I8) scales = tensor(context, BC_F32, {kPages, 2, heads.G, BC_PAGE_SIZE});
    slopes = tensor(context, BC_F32, {heads.H});
    std::vector<float> slope;
    for (int64_t h = 0; h < heads.H; ++h) slope.push_back(h == 0 ? 0.0625f : 0.00390625f);
    write(slopes, slope);
    for (int64_t k = 0; k < heads.D / 2; ++k) {
      frequencies.push_back(
          std::pow(1e4, -2.0 * static_cast<double>(k) / static_cast<double>(heads.D)));
    }
    if (heads.normed) {
      norm = tensor(context, BC_BF16, {heads.D});
      is_ok("tensor_random", bc_tensor_random(norm, 1.0f, 9) == BC_OK);
    }
    gain = tensor(context, BC_F32, {kC});
    write(gain, std::vector<float>(kC, 1.0f));
    const int64_t table_shape[] = {kV, kC};
    is_ok("tensor_create_on_host",
          bc_tensor_create_on_host(context, BC_BF16, table_shape, 2, &embedding) == BC_OK);
    is_ok("tensor_random", bc_tensor_random(embedding, 0.05f, 1) == BC_OK);
    wide = weight(weights, width, kC, 2);
    narrow = weight(weights, kC, kC, 3);
    gates = weight(weights, kF, kC, 4);
    downs = weight(weights, kC, kF, 5);
    head = weight(weights, kV, kC, 6);
    factors = tensor(context, BC_F32, {kV});
    is_ok("row_norms", bc_row_norms(context, factors, embedding) == BC_OK);
    write(ids, {7, 0, 327, 12, 12});
    write(positions, {0, 1, 2, 0, 1});
    write(offsets, {0, 3, 5});
    write(table, {2, 0, 3, 0});
    write(masks, {0, kAllowed});
    write(mask_of, {-1, 0, -1, -1, -1});
  }
  ~Layer() { is_ok("context_free", bc_context_free(context) == BC_OK); }

  bc_tensor* weight(int32_t type, int64_t rows, int64_t columns, uint64_t seed) {
    bc_tensor* plain = tensor(context, BC_BF16, {rows, columns});
    is_ok("tensor_random", bc_tensor_random(plain, 0.05f, seed) == BC_OK);
    if (type == BC_BF16) return plain;
    bc_tensor* packed = tensor(context, type, {rows, columns});
    is_ok("quantize", bc_quantize(context, packed, plain, nullptr, nullptr) == BC_OK);
    is_ok("tensor_free", bc_tensor_free(plain) == BC_OK);
    return packed;
  }

  void ops() {
    const auto ok = [](const char* op, bc_status status) { is_ok(op, status == BC_OK); };
    ok("embed", bc_embed(context, x, ids, embedding));
    ok("rms_norm", bc_rms_norm(context, h, x, gain, 1e-6f));
    ok("matmul", bc_matmul(context, qkv, h, wide, nullptr, nullptr));
    ok("rope", bc_rope(context, qkv, positions, static_cast<int32_t>(heads.H),
                       static_cast<int32_t>(heads.D), frequencies.data(), 1.0f, norm, norm, 1e-6f));
    ok("kv_append", bc_kv_append(context, pages, scales, qkv, positions, offsets, table));
    ok("kv_copy", bc_kv_copy(context, pages, scales, 0, 0));
    ok("attention", bc_attention(context, h, qkv, pages, scales, positions, offsets, table, slopes,
                                 heads.window));
    bc_tensor* delta = nullptr;
    ok("tensor_view", bc_tensor_view(qkv, 0, kT, 0, kC, &delta));
    ok("matmul", bc_matmul(context, delta, h, narrow, nullptr, nullptr));
    ok("add_rms_norm", bc_add_rms_norm(context, x, h, delta, gain, 1e-6f));
    ok("matmul", bc_matmul(context, gate, h, gates, nullptr, nullptr));
    ok("matmul", bc_matmul(context, up, h, gates, nullptr, nullptr));
    ok("swiglu", bc_swiglu(context, gate, gate, up));
    ok("matmul", bc_matmul(context, delta, gate, downs, nullptr, nullptr));
    ok("add_rms_norm", bc_add_rms_norm(context, x, h, delta, gain, 1e-6f));
    ok("matmul", bc_matmul(context, logits, h, head, factors, nullptr));
    ok("top_k", bc_top_k(context, values, best, logits, masks, mask_of));
    ok("tensor_free", bc_tensor_free(delta));
  }

  std::vector<float> result() { return read<float>(logits, kT * kV); }

  bc_context* context;
  const int32_t activations;
  const Heads heads;
  std::vector<double> frequencies;
  bc_tensor *ids, *positions, *offsets, *table, *x, *h, *qkv, *gate, *up, *logits, *values, *best,
      *masks, *mask_of, *pages, *scales = nullptr, *norm = nullptr, *slopes, *gain, *embedding,
                                *wide, *narrow, *gates, *downs, *head, *factors;
};

double deviation(const std::vector<float>& values) {
  double sum = 0.0;
  for (const float v : values) sum += static_cast<double>(v) * v;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

// Of the difference, over the deviation of the numbers.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> difference(a.size());
  for (size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
  return deviation(difference) / deviation(a);
}

void equals_the_cpu(int32_t weights, int32_t cache, const Heads& heads = {}) {
  Layer cpu(BC_CPU, weights, cache, heads);
  Layer gpu(BC_CUDA, weights, cache, heads);
  cpu.ops();
  gpu.ops();
  const std::vector<float> want = cpu.result();
  const std::vector<float> got = gpu.result();
  // Some 20 roundings to bf16, of 2^-9 of a number each (deviation 0.29 of the largest, 2^-8).
  is_ok("logits near those of the CPU", distance(want, got) < 20 * 0.29 * 0x1p-8);
  const std::vector<float> values = read<float>(gpu.values, kT * 4);
  const std::vector<int32_t> best = read<int32_t>(gpu.best, kT * 4);
  for (int64_t t = 0; t < kT; ++t) {
    const auto at = static_cast<size_t>(t);
    const auto row = got.begin() + static_cast<std::ptrdiff_t>(at * kV);
    // Of the masked row two are allowed.
    const int32_t masked = row[kFirst + 1] > row[kFirst] ? kFirst + 1 : kFirst;
    is_ok("top_k begins with the largest",
          best[4 * at] == (t == 1 ? masked : std::max_element(row, row + kV) - row));
    is_ok("top_k ends where no more are allowed", (best[4 * at + 2] == -1) == (t == 1));
    is_ok("value of top_k", values[4 * at] == got[at * kV + static_cast<size_t>(best[4 * at])]);
  }

  // Recorded, then run with other inputs of the same sizes: the same bits as run at once.
  is_ok("plan_begin", bc_plan_begin(gpu.context) == BC_OK);
  gpu.ops();
  bc_plan* plan = nullptr;
  is_ok("plan_end", bc_plan_end(gpu.context, &plan) == BC_OK);
  is_ok("plan_run", bc_plan_run(plan) == BC_OK);
  is_ok("a plan gives the bits of its ops", gpu.result() == got);
  write(gpu.ids, {1, 2, 3, 4, 5});
  write(gpu.table, {1, 0, 0, 0});
  write(gpu.mask_of, {-1, -1, -1, -1, 0});
  is_ok("plan_run", bc_plan_run(plan) == BC_OK);
  const std::vector<float> other = gpu.result();
  const std::vector<int32_t> others = read<int32_t>(gpu.best, kT * 4);
  is_ok("a plan reads masks again", others[4 + 2] >= 0 && others[4 * 4 + 2] == -1);
  gpu.ops();
  is_ok("a plan reads its inputs again", gpu.result() == other && other != got);
  write(gpu.ids, {1, 2, 3, 4, 328});
  refuses("id in a plan", bc_plan_run(plan), BC_INVALID_ARGUMENT, "ids[4] has value 328");
  write(gpu.ids, {1, 2, 3, 4, 5});
  write(gpu.table, {4, 0, 0, 0});
  refuses("page in a plan", bc_plan_run(plan), BC_INVALID_ARGUMENT, "page 4, expected 0 to 3");
  write(gpu.table, {1, 0, 0, 0});
  is_ok("plan_run", bc_plan_run(plan) == BC_OK);
  is_ok("a refused run leaves nothing behind", gpu.result() == other);
}

// gate and up in turn in one matrix give what they give apart, on both devices.
void fused_swiglu(int32_t device, int32_t weights) {
  Layer layer(device, weights, device == BC_CPU ? BC_F32 : BC_BF16);
  bc_context* c = layer.context;
  const auto ok = [](const char* op, bc_status status) { is_ok(op, status == BC_OK); };
  bc_tensor* gate = layer.weight(BC_BF16, kF, kC, 7);
  bc_tensor* up = layer.weight(BC_BF16, kF, kC, 8);
  bc_tensor* both = tensor(c, BC_BF16, {2 * kF, kC});
  bc_tensor* pairs = nullptr;
  const int64_t shape[] = {kF, 2 * kC};
  ok("tensor_reshape", bc_tensor_reshape(both, shape, 2, &pairs));
  for (const int64_t half : {0, 1}) {
    bc_tensor* to = nullptr;
    ok("tensor_view", bc_tensor_view(pairs, 0, kF, half * kC, kC, &to));
    ok("convert", bc_convert(c, to, half == 0 ? gate : up));
  }
  const auto packed = [&](bc_tensor* plain, int64_t rows) {
    if (weights == BC_BF16) return plain;
    bc_tensor* q = tensor(c, weights, {rows, kC});
    ok("quantize", bc_quantize(c, q, plain, nullptr, nullptr));
    return q;
  };
  ok("embed", bc_embed(c, layer.x, layer.ids, layer.embedding));
  ok("rms_norm", bc_rms_norm(c, layer.h, layer.x, layer.gain, 1e-6f));
  ok("matmul", bc_matmul(c, layer.gate, layer.h, packed(gate, kF), nullptr, nullptr));
  ok("matmul", bc_matmul(c, layer.up, layer.h, packed(up, kF), nullptr, nullptr));
  bc_tensor* apart = tensor(c, layer.activations, {kT, kF});
  ok("swiglu", bc_swiglu(c, apart, layer.gate, layer.up));
  bc_tensor* fused = tensor(c, BC_F32, {kT, kF});
  ok("matmul_swiglu", bc_matmul_swiglu(c, fused, layer.h, packed(both, 2 * kF)));
  bc_tensor* wide = tensor(c, BC_F32, {kT, kF});
  ok("convert", bc_convert(c, wide, apart));
  const double off = distance(read<float>(fused, kT * kF), read<float>(wide, kT * kF));
  // On the GPU gate, up and the result are rounded to bf16 when they are apart; silu may enlarge the
  // error of gate.
  is_ok("fused swiglu", device == BC_CPU ? off == 0.0 : off < 4 * 0.29 * 0x1p-8);
  refuses("odd rows", bc_matmul_swiglu(c, fused, layer.h, tensor(c, BC_BF16, {3, kC})),
          BC_INVALID_ARGUMENT, "rows of w has value 3");
}

void heads_that_no_kernel_takes(bc_context* context) {
  bc_tensor* qkv = tensor(context, BC_BF16, {2, 3 * 96});
  bc_tensor* pages = tensor(context, BC_BF16, {1, 2, 1, BC_PAGE_SIZE, 96});
  bc_tensor* out = tensor(context, BC_BF16, {2, 96});
  bc_tensor* positions = tensor(context, BC_I32, {2});
  bc_tensor* offsets = tensor(context, BC_I32, {2});
  bc_tensor* table = tensor(context, BC_I32, {1, 1});
  bc_tensor* norm = tensor(context, BC_F32, {96});
  const std::vector<double> frequencies(48, 1.0);
  write(positions, {0, 1});
  write(offsets, {0, 2});
  write(table, {0});
  refuses("attention of 96",
          bc_attention(context, out, qkv, pages, nullptr, positions, offsets, table, nullptr, 0),
          BC_INVALID_ARGUMENT, "head size has value 96, expected 64 or 128 on a GPU");
  refuses("rope of 96 with norms",
          bc_rope(context, qkv, positions, 1, 96, frequencies.data(), 1.0f, norm, norm, 0.0f),
          BC_INVALID_ARGUMENT,
          "head size has value 96, expected a power of two on a GPU, with norms");
  refuses("rope of 8",
          bc_rope(context, qkv, positions, 12, 8, frequencies.data(), 1.0f, nullptr, nullptr, 0.0f),
          BC_INVALID_ARGUMENT, "head size has value 8, expected a multiple of 16 on a GPU");
}

void refusals() {
  bc_context* context = nullptr;
  refuses("exact", bc_context_create(BC_CUDA, 0, 0, 1, &context), BC_INVALID_ARGUMENT,
          "exact has value 1");
  refuses("no such GPU", bc_context_create(BC_CUDA, 4096, 0, 0, &context), BC_DEVICE,
          "device cuda:4096 is not available");
  refuses("no stream", bc_context_on_stream(0, nullptr, &context), BC_INVALID_ARGUMENT,
          "stream is null");
  context = context_on(BC_CUDA);
  const char* text = nullptr;
  is_ok("context_device", bc_context_device(context, &text) == BC_OK &&
                              std::strstr(text, "multiprocessors") != nullptr);
  bc_tensor* f32 = tensor(context, BC_F32, {2, 64});
  bc_tensor* bf16 = tensor(context, BC_BF16, {2, 64});
  bc_tensor* f16 = tensor(context, BC_F16, {2, 64});
  bc_tensor* square = tensor(context, BC_F16, {64, 64});
  refuses("threads to bind", bc_context_pin(context), BC_INVALID_ARGUMENT,
          "device is a GPU, expected a CPU context");
  std::vector<uint8_t> bytes(288);
  refuses("packed bytes", bc_tensor_read(tensor(context, BC_Q4, {16, 32}), 0, bytes.data(), 288),
          BC_INVALID_ARGUMENT, "tensor is q4 [16, 32] on a GPU");
  refuses("f32 activations", bc_swiglu(context, f32, f32, f32), BC_INVALID_ARGUMENT,
          "out has type f32, expected bf16 or f16 on a GPU");
  refuses("two types", bc_swiglu(context, bf16, bf16, f16), BC_INVALID_ARGUMENT,
          "up has type f16, expected bf16");
  bc_tensor* pool = tensor(context, BC_I8, {4096});
  bc_tensor* adapters = tensor(context, BC_I32, {1, 4});
  bc_tensor* scales = tensor(context, BC_F32, {1});
  bc_tensor* adapter_of = tensor(context, BC_I32, {2});
  write(adapters, {4, BC_BF16, 0, 16});
  is_ok("lora", bc_lora(context, bf16, bf16, pool, adapters, scales, adapter_of) == BC_OK);
  refuses("f32 activations", bc_lora(context, f32, f32, pool, adapters, scales, adapter_of),
          BC_INVALID_ARGUMENT, "x has type f32, expected bf16 or f16 on a GPU");
  refuses("two types", bc_lora(context, f16, bf16, pool, adapters, scales, adapter_of),
          BC_INVALID_ARGUMENT, "out has type f16, expected bf16");
  write(adapters, {4, BC_BF16, 0, 57});
  refuses("an adapter beyond its pool",
          bc_lora(context, bf16, bf16, pool, adapters, scales, adapter_of), BC_INVALID_ARGUMENT,
          "expected ones inside the pool's 4096 bytes");
  refuses("weight of another type", bc_matmul(context, f32, bf16, square, nullptr, nullptr),
          BC_INVALID_ARGUMENT, "w has type f16, expected bf16");
  bc_tensor* odd = nullptr;
  is_ok("tensor_view", bc_tensor_view(bf16, 0, 2, 4, 56, &odd) == BC_OK);
  refuses("rows off 16 bytes", bc_swiglu(context, odd, odd, odd), BC_INVALID_ARGUMENT,
          "rows at multiples of 16 bytes");
  heads_that_no_kernel_takes(context);
  bc_tensor* best = tensor(context, BC_I32, {2, 1});
  bc_tensor* largest = tensor(context, BC_F32, {2, 1});
  bc_tensor* best_ids = nullptr;
  const int64_t flat[] = {2};
  is_ok("tensor_reshape", bc_tensor_reshape(best, flat, 1, &best_ids) == BC_OK);
  bc_tensor* table = tensor(context, BC_BF16, {64, 64});
  is_ok("top_k", bc_top_k(context, largest, best, f32, nullptr, nullptr) == BC_OK);
  refuses("ids of an op", bc_embed(context, f32, best_ids, table), BC_INVALID_ARGUMENT,
          "ids was written by an op");
  bc_tensor* ids = tensor(context, BC_I32, {2});
  bc_tensor* column = nullptr;
  const int64_t tall[] = {2, 1};
  is_ok("tensor_reshape", bc_tensor_reshape(ids, tall, 2, &column) == BC_OK);
  is_ok("embed", bc_embed(context, f32, ids, table) == BC_OK);
  refuses("ids as a result", bc_top_k(context, largest, column, f32, nullptr, nullptr),
          BC_INVALID_ARGUMENT, "ids is an input of another op");
  is_ok("context_free", bc_context_free(context) == BC_OK);
}

// Work goes to the stream of the caller, who keeps it.
void callers_stream() {
#ifdef BC_ON_GPU
  cudaStream_t stream = nullptr;
  require(cudaStreamCreate(&stream), "creating a stream");
#else
  int stands_for_one = 0;
  void* stream = &stands_for_one;
#endif
  bc_context* context = nullptr;
  is_ok("context_on_stream", bc_context_on_stream(0, stream, &context) == BC_OK);
  bc_tensor* w = tensor(context, BC_F32, {2, 8});
  write(w, std::vector<float>{3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
  bc_tensor* norms = tensor(context, BC_F32, {2});
  is_ok("row_norms", bc_row_norms(context, norms, w) == BC_OK);
  is_ok("norms", read<float>(norms, 2) == std::vector<float>{0.2f, 0.5f});
  bc_tensor* moments = tensor(context, BC_F32, {32, 32});
  bc_tensor* x = tensor(context, BC_F32, {2, 32});
  is_ok("second_moments on a GPU",
        bc_second_moments(context, moments, x, nullptr) == BC_INVALID_ARGUMENT);
  is_ok("context_free", bc_context_free(context) == BC_OK);
#ifdef BC_ON_GPU
  require(cudaStreamSynchronize(stream), "the stream after its context");
  require(cudaStreamDestroy(stream), "destroying a stream");
#endif
}

// A tensor that does not fit is refused, what was there stays, and all is given back in the end.
void exhaustion() {
  bc_context* context = context_on(BC_CUDA);
  int64_t before = 0;
  int64_t total = 0;
  is_ok("memory_info", bc_memory_info(context, &before, &total) == BC_OK);
  bc_tensor* kept = tensor(context, BC_F32, {4});
  write(kept, std::vector<float>{1, 2, 3, 4});
  bc_tensor* out = nullptr;
  const int64_t huge[] = {total};
  refuses("too large", bc_tensor_create(context, BC_F32, huge, 1, &out), BC_OUT_OF_MEMORY,
          std::to_string(4 * total).c_str());
  is_ok("bytes that were needed and free",
        last_needed() == 4 * total && last_available() > 0 && last_available() <= before);
  is_ok("what was there stays", read<float>(kept, 4) == std::vector<float>{1, 2, 3, 4});
  int64_t used = 0;
  is_ok("memory_used", bc_memory_used(context, &used) == BC_OK && used == 16);
  // A table in RAM takes no memory of the GPU; ops read it as they read any other.
  bc_tensor* host_table = nullptr;
  const int64_t table_shape[] = {2, 8};
  is_ok("tensor_create_on_host",
        bc_tensor_create_on_host(context, BC_F32, table_shape, 2, &host_table) == BC_OK);
  const std::vector<float> rows = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  write(host_table, rows);
  is_ok("memory_used", bc_memory_used(context, &used) == BC_OK && used == 16);
  is_ok("read from the host", read<float>(host_table, 16) == rows);
  refuses("inputs on the host", bc_tensor_create_on_host(context, BC_I32, table_shape, 2, &out),
          BC_INVALID_ARGUMENT, "type is i32");
  std::vector<uint8_t> bytes(64);
  std::memcpy(bytes.data(), rows.data(), 64);
  const FileOf f("cuda_api_test.bin", bytes);
  bc_tensor* mapped = nullptr;
  is_ok("tensor_map_on_host",
        bc_tensor_map_on_host(context, f.file, 0, BC_F32, table_shape, 2, &mapped) == BC_OK);
  bc_tensor* ids = tensor(context, BC_I32, {1});
  write(ids, {1});
  bc_tensor* row = tensor(context, BC_F32, {1, 8});
  for (bc_tensor* from : {host_table, mapped}) {
    is_ok("embed", bc_embed(context, row, ids, from) == BC_OK);
    is_ok("row", read<float>(row, 8) == std::vector<float>(rows.begin() + 8, rows.end()));
    is_ok("tensor_free", bc_tensor_free(from) == BC_OK);
  }
  is_ok("tensor_free", bc_tensor_free(ids) == BC_OK && bc_tensor_free(row) == BC_OK);
  is_ok("tensor_free", bc_tensor_free(kept) == BC_OK);
  int64_t after = 0;
  is_ok("memory_info", bc_memory_info(context, &after, &total) == BC_OK);
  if (kEmulated) is_ok("memory is given back", after == before);
  is_ok("context_free", bc_context_free(context) == BC_OK);
}

}  // namespace

int main() {
  if (bc_cuda_devices() == 0) {
    std::printf("cuda_api: skipped, %s\n", bc_cuda_reason());
    return 77;
  }
  for (const int32_t weights : {BC_BF16, BC_Q8, BC_Q4, kInt3}) equals_the_cpu(weights, BC_BF16);
  equals_the_cpu(BC_BF16, BC_I8);
  equals_the_cpu(BC_BF16, BC_BF16, {4, 2, 64, 2, true});
  for (const int32_t weights : {BC_BF16, BC_Q8, BC_Q4, kInt3}) {
    for (const int32_t device : {BC_CPU, BC_CUDA}) fused_swiglu(device, weights);
  }
  refusals();
  callers_stream();
  exhaustion();
  return result("cuda_api");
}
