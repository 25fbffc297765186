// A case: one kernel at one shape, what it must move and compute, and how to run and check it. Cases
// stand once, in *_cases.cpp, and serve timing on a GPU, checking on a GPU, and checking on the
// emulator at small shapes (cases_test.cpp).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "check.h"
#include "cuda/device.h"
#include "paged.h"
#include "types.h"

namespace bc::bench {

// Letters as in native/src/ops.h.
struct Model {
  const char* name;
  int64_t C, H, F, V;
  bool alibi;
};

// Baichuan 2 has the larger vocabulary; everything else is the same in both generations.
inline std::vector<Model> real_models() {
  return {{"7B", 4096, 32, 11008, 125696, false}, {"13B", 5120, 40, 13696, 125696, true}};
}

// The sizes that vary from call to call.
struct Sizes {
  std::vector<int64_t> matmul_tokens;
  std::vector<int64_t> prompts;    // T of attention on one new sequence
  std::vector<int64_t> positions;  // S of decode attention
  std::vector<int64_t> batches;    // B of decode attention
  std::vector<int64_t> rows;       // T of the ops that take rows one by one
  std::vector<int64_t> head_rows;  // rows of logits
};

inline Sizes real_sizes() {
  return {{1, 8, 16, 64, 2048}, {512, 2048, 8192}, {512, 4096, 32768},
          {1, 16, 64},          {1, 16, 64, 2048}, {1, 16, 64}};
}

// Shapes that the emulator and compute-sanitizer get through.
inline std::vector<Model> small_models() {
  return {{"small", 512, 4, 768, 4096, false}, {"small", 512, 4, 768, 4096, true}};
}
inline Sizes small_sizes() { return {{1, 64}, {130}, {300}, {1, 3}, {3, 70}, {2}}; }

// A case whose buffers are on the device, in several copies.
struct Prepared {
  std::function<void(int copy, void* stream)> launch;
  // Holds what launch(copy) wrote, once, against a computation in double; large outputs at sampled
  // rows and columns.
  std::function<void(test::Check& check, int copy)> check;
};

struct Case {
  std::string op;     // the file in native/src/cuda, without its end
  std::string model;  // 7B
  std::string part;   // which layer or which way
  std::string types;
  std::vector<std::pair<std::string, int64_t>> sizes;
  double bytes;        // that must move to and from global memory
  double flops;        // of tensor cores; 0 where the op has none
  int64_t copy_bytes;  // device memory of one copy of the buffers
  std::function<Prepared(int copies, const cuda::Facts& gpu)> prepare;

  std::string shape() const {
    std::string text;
    for (const auto& size : sizes)
      text += (text.empty() ? "" : " ") + size.first + "=" + std::to_string(size.second);
    return text;
  }
  std::string name() const { return op + " " + model + " " + part + " " + types + " " + shape(); }
};

using Cases = std::vector<Case>;

struct MatmulShape {
  int64_t M, N, K;
  Type w_type, out_type;
  bool row_scale;  // NormHead's
};
Case matmul_case(const Model& model, const char* part, const MatmulShape& s);

struct AttentionShape {
  std::vector<test::Sequence> sequences;  // all alike
  int64_t H, G;
  Type pages_type;
  bool alibi;
};
Case attention_case(const Model& model, const char* part, const AttentionShape& s);

void add_matmul_cases(Cases& cases, const Model& model, const Sizes& sizes);
void add_attention_cases(Cases& cases, const Model& model, const Sizes& sizes);
void add_row_cases(Cases& cases, const Model& model, const Sizes& sizes);
void add_logits_cases(Cases& cases, const Model& model, const Sizes& sizes);
void add_load_cases(Cases& cases, const Model& model);

inline Cases all_cases(const std::vector<Model>& models, const Sizes& sizes) {
  Cases cases;
  for (const Model& model : models) {
    add_matmul_cases(cases, model, sizes);
    add_attention_cases(cases, model, sizes);
    add_row_cases(cases, model, sizes);
    add_logits_cases(cases, model, sizes);
    add_load_cases(cases, model);
  }
  return cases;
}

}  // namespace bc::bench
