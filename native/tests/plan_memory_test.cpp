// A recorded step asks for memory when it first runs and never again: a decode step takes
// milliseconds, of which allocation and the page faults of fresh memory would be a part.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "api_checks.h"

using namespace bc::test;

namespace {

std::atomic<int64_t> allocations{0};

void* counted(size_t bytes, size_t alignment) {
  ++allocations;
  void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(size_t bytes) { return counted(bytes, alignof(std::max_align_t)); }
void* operator new(size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {

constexpr int64_t kHeads = 2;
constexpr int64_t kKeyHeads = 1;
constexpr int64_t kHead = 128;
constexpr int64_t kWide = (kHeads + 2 * kKeyHeads) * kHead;
constexpr int64_t kHidden = kHeads * kHead;
constexpr int64_t kFeedForward = 352;
constexpr int64_t kVocabulary = 500;
constexpr int64_t kPages = 4;

// One layer and what is around it, of T tokens.
struct Step {
  Step(bc_context* c, int64_t T, int32_t weights, int32_t cache) : context(c) {
    const auto f32 = [&](std::vector<int64_t> shape) { return tensor(c, BC_F32, shape); };
    const auto weight = [&](int64_t rows, int64_t columns) {
      bc_tensor* w = tensor(c, weights, {rows, columns});
      is_ok("tensor_random", bc_tensor_random(w, 0.05f, 1) == BC_OK);
      return w;
    };
    ids = tensor(c, BC_I32, {T});
    positions = tensor(c, BC_I32, {T});
    offsets = tensor(c, BC_I32, {2});
    table = tensor(c, BC_I32, {1, kPages});
    write(offsets, {0, static_cast<int32_t>(T)});
    write(table, {2, 0, 3, 1});
    bc_tensor* pages = tensor(c, cache, {kPages, 2, kKeyHeads, BC_PAGE_SIZE, kHead});
    bc_tensor* scales = cache == BC_I8 ? f32({kPages, 2, kKeyHeads, BC_PAGE_SIZE})
                                       : static_cast<bc_tensor*>(nullptr);
    bc_tensor* embedding = tensor(c, BC_BF16, {kVocabulary, kHidden});
    is_ok("tensor_random", bc_tensor_random(embedding, 1.0f, 1) == BC_OK);
    bc_tensor* gain = f32({kHidden});
    write(gain, std::vector<float>(kHidden, 1.0f));
    bc_tensor* x = f32({T, kHidden});
    bc_tensor* normed = f32({T, kHidden});
    bc_tensor* qkv = f32({T, kWide});
    bc_tensor* bias = f32({kWide});
    bc_tensor* norm = f32({kHead});
    write(norm, std::vector<float>(kHead, 1.0f));
    const std::vector<double> frequencies(kHead / 2, 0.1);
    bc_tensor* out = f32({T, kHidden});
    bc_tensor* gate = f32({T, kFeedForward});
    bc_tensor* up = f32({T, kFeedForward});
    bc_tensor* logits = f32({T, kVocabulary});
    bc_tensor* best = f32({T, 8});
    bc_tensor* best_ids = tensor(c, BC_I32, {T, 8});
    bc_tensor* masks = tensor(c, BC_I32, {1, (kVocabulary + 31) / 32});
    bc_tensor* mask_of = tensor(c, BC_I32, {T});
    bc_tensor* pool = tensor(c, BC_I8, {1 << 16});
    bc_tensor* adapters = tensor(c, BC_I32, {2, 4});
    write(adapters, {3, BC_BF16, 0, 512, 2, BC_F32, 64, 600});
    bc_tensor* adapter_scales = f32({2});
    bc_tensor* adapter_of = tensor(c, BC_I32, {T});
    std::vector<int32_t> of;
    for (int32_t t = 0; t < T; ++t) of.push_back(t % 3 - (T > 1 ? 1 : 0));
    write(adapter_of, of);
    bc_tensor* w_qkv = weight(kWide, kHidden);
    bc_tensor* w_up = weight(kFeedForward, kHidden);
    bc_tensor* w_gate_up = weight(2 * kFeedForward, kHidden);
    bc_tensor* w_down = weight(kHidden, kFeedForward);
    bc_tensor* w_head = weight(kVocabulary, kHidden);

    const auto recorded = [](const char* op, bc_status status) { is_ok(op, status == BC_OK); };
    recorded("plan_begin", bc_plan_begin(c));
    recorded("embed", bc_embed(c, x, ids, embedding));
    recorded("rms_norm", bc_rms_norm(c, normed, x, gain, 1e-6f));
    recorded("matmul", bc_matmul(c, qkv, normed, w_qkv, nullptr, bias));
    recorded("lora", bc_lora(c, qkv, normed, pool, adapters, adapter_scales, adapter_of));
    recorded("rope", bc_rope(c, qkv, positions, kHeads, kHead, frequencies.data(), 1.0f, norm, norm,
                             1e-6f));
    recorded("kv_append", bc_kv_append(c, pages, scales, qkv, positions, offsets, table));
    recorded("kv_copy", bc_kv_copy(c, pages, scales, 2, 0));
    recorded("attention",
             bc_attention(c, out, qkv, pages, scales, positions, offsets, table, nullptr, 100));
    recorded("add_rms_norm", bc_add_rms_norm(c, x, normed, out, gain, 1e-6f));
    recorded("matmul", bc_matmul(c, gate, normed, w_up, nullptr, nullptr));
    recorded("matmul", bc_matmul(c, up, normed, w_up, nullptr, nullptr));
    recorded("swiglu", bc_swiglu(c, gate, gate, up));
    recorded("matmul_swiglu", bc_matmul_swiglu(c, gate, normed, w_gate_up));
    recorded("matmul", bc_matmul(c, out, gate, w_down, nullptr, nullptr));
    recorded("matmul", bc_matmul(c, logits, out, w_head, nullptr, nullptr));
    recorded("top_k", bc_top_k(c, best, best_ids, logits, masks, mask_of));
    recorded("plan_end", bc_plan_end(c, &plan));
  }

  // Allocations of one run for the tokens at positions from `first` on.
  int64_t run(int32_t first, int64_t T) const {
    std::vector<int32_t> at;
    std::vector<int32_t> tokens;
    for (int32_t t = 0; t < T; ++t) {
      at.push_back(first + t);
      tokens.push_back((first + 7 * t) % static_cast<int32_t>(kVocabulary));
    }
    write(positions, at);
    write(ids, tokens);
    const int64_t before = allocations;
    const bc_status status = bc_plan_run(plan);
    const int64_t made = allocations - before;
    is_ok("plan_run", status == BC_OK);
    return made;
  }

  bc_context* context;
  bc_tensor *ids, *positions, *offsets, *table;
  bc_plan* plan = nullptr;
};

void runs_without_allocation(int64_t T, int32_t weights, int32_t cache) {
  bc_context* context = nullptr;
  is_ok("context_create", bc_context_create(BC_CPU, 0, 3, 0, &context) == BC_OK);
  const Step step(context, T, weights, cache);
  const int64_t first = step.run(0, T);
  is_ok("allocations are counted", first > 0);
  int64_t later = 0;
  for (int32_t position = 1; position < 130; position += 43) later += step.run(position, T);
  if (later != 0) {
    std::printf("T=%lld weights %d cache %d: %lld allocations\n", static_cast<long long>(T),
                weights, cache, static_cast<long long>(later));
  }
  is_ok("a step after the first allocates nothing", later == 0);
  is_ok("context_free", bc_context_free(context) == BC_OK);
}

}  // namespace

int main() {
  for (const int32_t weights : {BC_BF16, BC_Q8, BC_Q4}) {
    for (const int32_t cache : {BC_F32, BC_F16, BC_BF16, BC_I8}) {
      runs_without_allocation(1, weights, cache);
      runs_without_allocation(37, weights, cache);
    }
  }
  return result("plan_memory");
}
