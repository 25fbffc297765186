#include "cuda_attention_cases.h"

using namespace bc;
using namespace bc::test;

namespace {

void prefill_multiplies_whole_pages(Check& check) {
  const Case c{"flops", {{0, 256}}, Type::bf16, Type::bf16, 1, false};
  for_each_schedule(1, [&](uint64_t seed) {
    check.begin(c.text(), seed);
    const Inputs in(c);
    run(in, c, 0, 1, in.r.P);
#ifndef BC_ON_GPU
    const int64_t flops = simt::counters().mma_bf16 * (2 * 16 * 8 * 16);
    check.that(flops == 4 * kD * 64 * 64 * (1 + 2 + 3 + 4), "flops differ from those of the pages");
#endif
  });
}

}  // namespace

int main() {
  return run_on_device("cuda_attention", [](Check& check) {
    const Type bf16 = Type::bf16;
    attention_of_prompts_and_tokens(check, false);
    // One warp joins up to 16 splits, eight warps more.
    const std::vector<Sequence> sequences = {{4095, 1}, {4095, 2}, {4400, 1}};
    run_case(check, {"many_splits", sequences, bf16, bf16, 2, true, 1.0f, false, 2, 64});
    run_case(check, {"longest", {{is_brief() ? 19660 : 196607, 1}}, bf16, Type::i8, 1, false});
    prefill_multiplies_whole_pages(check);
  });
}
