#include "cuda/kernels.h"
#include "cuda_cases.h"
#include "cuda_device.h"
#include "masks.h"
#include "reference.h"

using namespace bc;
using namespace bc::test;

namespace {

// Row t of the results against the sorted row of x, or what of it the mask allows.
void check_row(Check& check, const float* values, const int32_t* ids, int64_t K, const float* x,
               int64_t V, const uint32_t* mask) {
  const std::vector<int32_t> order = reference::order(x, V, mask);
  bool same_ids = true;
  bool same_values = true;
  for (int64_t k = 0; k < K; ++k) {
    const bool there = k < static_cast<int64_t>(order.size());
    const int32_t id = there ? order[static_cast<size_t>(k)] : -1;
    const float value = there ? x[id] : -std::numeric_limits<float>::infinity();
    same_ids &= ids[k] == id;
    same_values &= bits_of(values[k]) == bits_of(value);
  }
  check.that(same_ids, "ids are not those of the sorted row");
  check.that(same_values, "values are not those of the sorted row");
}

// first: the kind of mask of the first row, as Masks::of has it; -1 for a call without masks.
void run_case(Check& check, int64_t V, int64_t K, int schedules, int64_t first) {
  for_each_schedule(is_brief() ? 1 : schedules, [&](uint64_t seed) {
    check.begin("V=" + std::to_string(V) + " K=" + std::to_string(K) + (first < 0 ? "" : " masked"),
                seed);
    Random random(static_cast<uint64_t>(V * 101 + K));
    Matrix x(kRowKinds, V, (8 - V % 8) % 8);
    for (int64_t t = 0; t < x.rows; ++t) {
      for (int64_t i = 0; i < V; ++i) x.row(t)[i] = row_number(static_cast<int>(t), random);
    }
    const Masks masks(V, random);
    std::vector<int32_t> mask_of;
    for (int64_t t = 0; t < x.rows; ++t) mask_of.push_back(first < 0 ? -1 : Masks::of(first + t));
    const auto device_x = input("x", x.data);
    const auto device_masks = input("masks", masks.words);
    const auto device_mask_of = input("mask_of", mask_of);
    const auto device_values = output<float>("values", static_cast<size_t>(x.rows * K));
    const auto device_ids = output<int32_t>("ids", static_cast<size_t>(x.rows * K));
    const auto scratch =
        output<uint8_t>("scratch", static_cast<size_t>(cuda::top_k_scratch_bytes(x.rows, V, K)));
    TopKParams p{device_values.data(), device_ids.data(), device_x.data(), x.ld, x.rows, V, K,
                 scratch.data()};
    if (first >= 0) {
      p.masks = device_masks.data();
      p.masks_ld = masks.ld;
      p.mask_of = device_mask_of.data();
    }
    cuda::top_k(p, nullptr);
    finish();
    const std::vector<float> values = device_values.read();
    const std::vector<int32_t> ids = device_ids.read();
    for (int64_t t = 0; t < x.rows; ++t) {
      const int32_t mask = mask_of[static_cast<size_t>(t)];
      check_row(check, values.data() + t * K, ids.data() + t * K, K, x.row(t), V,
                mask < 0 ? nullptr : masks.row(mask));
    }
    if (V > 10000) {
      const double row = static_cast<double>(4 * V);
      const double mask = first < 0 ? 0.0 : static_cast<double>(V) / 8.0;
      const double keys = static_cast<double>(K * ((V + 16383) / 16384));
      const auto results = static_cast<double>(40 * K);
      const auto T = static_cast<double>(x.rows);
      // Chosen keys go to scratch one at a time, a sector each at worst. One of the rows has no mask.
      check_bytes(check, T * (row + 16.0 * keys + results + 64.0) + (T - 1.0) * mask,
                  T * (row + 40.0 * keys + results + 64.0) + (T - 1.0) * (mask + 64.0));
    }
    check_no_bank_conflicts(check);
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_top_k", [](Check& check) {
    int64_t kind = 0;  // every kind of row meets every kind of mask
    const auto run = [&](int64_t V, int64_t K, int schedules) {
      run_case(check, V, K, schedules, -1);
      run_case(check, V, K, 1, kind++ % (Masks::kKinds + 1));
    };
    for (const int64_t V : {1, 7, 19, 32, 111, 989}) {
      for (const int64_t K : {int64_t{1}, int64_t{2}, int64_t{7}, int64_t{50}, V}) {
        if (K <= V) run(V, K, 3);
      }
    }
    // 16384 numbers are a block's.
    for (const int64_t V : {16383, 16384, 16389}) run(V, 33, 1);
    run(1024, 1024, 2);
    run(64000, 64, 2);
    run_case(check, 125696, 5, 1, -1);
    run(125696, 1024, 1);
    run_case(check, 131072, 1000, 1, -1);
  });
}
