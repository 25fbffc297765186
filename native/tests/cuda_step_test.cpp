// What a step of generation moves and launches: two layers shaped like those of 13B (ALiBi) and 7B
// (RoPE), or with keys and values that heads share, one token at position 511. The bytes that must move are those of weights and cache, and up
// to 3 % for what goes from kernel to kernel: as much as is left to gain by making fewer of them.
#include <cmath>

#include "api_checks.h"
#include "cuda_device.h"

#ifndef BC_ON_GPU
#include "simt/gpu.h"
#endif

using namespace bc;
using namespace bc::test;

namespace {

constexpr int64_t kLayers = 2;
constexpr int64_t kH = 8;
constexpr int64_t kC = kH * 128;
constexpr int64_t kF = 2752;  // 2.7 C
constexpr int64_t kV = 4096;
constexpr int32_t kPosition = 511;
constexpr int64_t kPages = (kPosition + BC_PAGE_SIZE) / BC_PAGE_SIZE;

struct Layer {
  bc_tensor *qkv, *o, *gate_up, *down, *norm, *next_norm, *pages, *scales;
};

// A model whose numbers are random: only where they lie matters here.
struct Model {
  Model(int32_t weights_, int32_t cache_, bool alibi, int64_t G_)
      : weights(weights_), cache(cache_), G(G_) {
    is_ok("context_create", bc_context_create(BC_CUDA, 0, 0, 0, &context) == BC_OK);
    ids = tensor(context, BC_I32, {1});
    positions = tensor(context, BC_I32, {1});
    offsets = tensor(context, BC_I32, {2});
    table = tensor(context, BC_I32, {1, kPages});
    x = tensor(context, BC_F32, {1, kC});
    h = tensor(context, BC_BF16, {1, kC});
    out = tensor(context, BC_BF16, {1, kC});
    qkv = tensor(context, BC_BF16, {1, width()});
    hidden = tensor(context, BC_BF16, {1, kF});
    logits = tensor(context, BC_F32, {1, kV});
    best = tensor(context, BC_I32, {1, 16});
    values = tensor(context, BC_F32, {1, 16});
    write(ids, {3});
    write(positions, {kPosition});
    write(offsets, {0, 1});
    std::vector<int32_t> pages;
    for (int32_t i = 0; i < kPages; ++i) pages.push_back(static_cast<int32_t>(kPages) - 1 - i);
    write(table, pages);
    if (alibi) {
      slopes = tensor(context, BC_F32, {kH});
      write(slopes, std::vector<float>(kH, 0.0625f));
    }
    embedding = random(BC_BF16, {kV, kC});
    first_norm = random(BC_F32, {kC});
    for (Layer& layer : layers) {
      layer.qkv = random(weights, {width(), kC});
      layer.o = random(weights, {kC, kC});
      layer.gate_up = random(weights, {2 * kF, kC});
      layer.down = random(weights, {kC, kF});
      layer.norm = random(BC_F32, {kC});
      layer.next_norm = random(BC_F32, {kC});
      layer.pages = tensor(context, cache, {kPages, 2, G, BC_PAGE_SIZE, 128});
      layer.scales =
          cache == BC_I8 ? tensor(context, BC_F32, {kPages, 2, G, BC_PAGE_SIZE}) : nullptr;
    }
    head = random(weights, {kV, kC});
    for (int64_t k = 0; k < 64; ++k)
      frequencies.push_back(std::pow(1e4, -2.0 * static_cast<double>(k) / 128.0));
    is_ok("synchronize", bc_synchronize(context) == BC_OK);
  }
  ~Model() { is_ok("context_free", bc_context_free(context) == BC_OK); }

  bc_tensor* random(int32_t type, const std::vector<int64_t>& shape) {
    bc_tensor* t = tensor(context, type, shape);
    is_ok("tensor_random", bc_tensor_random(t, 0.02f, ++seed) == BC_OK);
    return t;
  }

  // As Java's forward pass has it.
  void step() {
    const auto ok = [](const char* op, bc_status status) { is_ok(op, status == BC_OK); };
    ok("embed", bc_embed(context, x, ids, embedding));
    ok("rms_norm", bc_rms_norm(context, h, x, first_norm, 1e-6f));
    for (const Layer& layer : layers) {
      ok("matmul", bc_matmul(context, qkv, h, layer.qkv, nullptr, nullptr));
      if (slopes == nullptr) {
        ok("rope", bc_rope(context, qkv, positions, kH, 128, frequencies.data(), 1.0f, nullptr,
                           nullptr, 0.0f));
      }
      ok("kv_append",
         bc_kv_append(context, layer.pages, layer.scales, qkv, positions, offsets, table));
      ok("attention", bc_attention(context, h, qkv, layer.pages, layer.scales, positions, offsets,
                                   table, slopes, 0));
      ok("matmul", bc_matmul(context, out, h, layer.o, nullptr, nullptr));
      ok("add_rms_norm", bc_add_rms_norm(context, x, h, out, layer.norm, 1e-6f));
      ok("matmul_swiglu", bc_matmul_swiglu(context, hidden, h, layer.gate_up));
      ok("matmul", bc_matmul(context, out, hidden, layer.down, nullptr, nullptr));
      ok("add_rms_norm", bc_add_rms_norm(context, x, h, out, layer.next_norm, 1e-6f));
    }
    ok("matmul", bc_matmul(context, logits, h, head, nullptr, nullptr));
    ok("top_k", bc_top_k(context, values, best, logits, nullptr, nullptr));
    ok("synchronize", bc_synchronize(context));
  }

  int64_t width() const { return kC + 2 * G * 128; }  // of a row of qkv
  // What a layer has for one position.
  double cache_bytes() const {
    const double heads = static_cast<double>(G);
    return cache == BC_I8 ? heads * (2.0 * 128 + 8.0) : heads * 4.0 * 128;
  }
  double weight_bytes() const {
    const double a_weight = weights == BC_Q4 ? 4.5 / 8 : weights == BC_Q8 ? 8.5 / 8 : 2.0;
    const double matrices =
        kLayers * (kC * (1.0 * kC + static_cast<double>(width())) + 3.0 * kC * kF) + 1.0 * kV * kC;
    return a_weight * matrices + 4.0 * kC * (2 * kLayers + 1) + 2.0 * kC;  // norms, a row of embed
  }

  const int32_t weights, cache;
  const int64_t G;
  uint64_t seed = 0;
  std::vector<double> frequencies;
  bc_context* context = nullptr;
  bc_tensor *ids, *positions, *offsets, *table, *x, *h, *out, *qkv, *hidden, *logits, *values,
      *best, *embedding, *first_norm, *head, *slopes = nullptr;
  Layer layers[kLayers];
};

void moves_weights_and_cache(int32_t weights, int32_t cache, bool alibi, const char* name,
                             int64_t G = kH) {
  Model model(weights, cache, alibi, G);
  // The cache of every position but the last.
  for (const Layer& layer : model.layers) {
    if (layer.scales == nullptr) {
      is_ok("tensor_random", bc_tensor_random(layer.pages, 0.5f, 7) == BC_OK);
    } else {
      write(layer.pages,
            std::vector<int8_t>(static_cast<size_t>(kPages * 2 * G * 128 * BC_PAGE_SIZE), 1));
      is_ok("tensor_random", bc_tensor_random(layer.scales, 0.01f, 8) == BC_OK);
    }
  }
  is_ok("synchronize", bc_synchronize(model.context) == BC_OK);
#ifndef BC_ON_GPU
  simt::reset_counters();
#endif
  model.step();
#ifndef BC_ON_GPU
  const simt::Counters counted = simt::counters();
  const double bound = model.weight_bytes() + kLayers * (kPosition + 1) * model.cache_bytes();
  const double share = static_cast<double>(counted.unique_bytes()) / bound;
  std::printf("step | %s | %lld bytes, weights and cache %.0f, %.3f | %lld launches\n", name,
              static_cast<long long>(counted.unique_bytes()), bound, share,
              static_cast<long long>(counted.launches));
  is_ok("a step moves weights and cache", share > 0.99 && share < 1.03);
  // A layer: four products, two norms, rope, kv_append, attention and its merge.
  const int64_t layer = alibi ? 9 : 10;
  is_ok("launches", counted.launches == kLayers * layer + 5);
#else
  (void)name;
#endif
}

}  // namespace

int main() {
#ifdef BC_ON_GPU
  if (bc_cuda_devices() == 0) {
    std::printf("cuda_step: skipped, %s\n", bc_cuda_reason());
    return 77;
  }
#else
  simt::gpu_capability() = 90;
#endif
  moves_weights_and_cache(BC_Q4, BC_BF16, true, "q4, bf16 cache, ALiBi");
  moves_weights_and_cache(BC_Q4, BC_I8, true, "q4, i8 cache, ALiBi");
  if (is_brief()) return result("cuda_step");
  moves_weights_and_cache(BC_Q4, BC_BF16, false, "q4, bf16 cache, RoPE, 2 key-value heads", 2);
  moves_weights_and_cache(BC_Q8, BC_BF16, true, "q8, bf16 cache, ALiBi");
  moves_weights_and_cache(BC_BF16, BC_BF16, true, "bf16, bf16 cache, ALiBi");
  return result("cuda_step");
}
