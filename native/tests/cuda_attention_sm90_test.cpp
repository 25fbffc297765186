// Attention by the kernels of sm_90a.
#include "cuda_attention_cases.h"

using namespace bc;
using namespace bc::test;

namespace {

// Sequences of few queries: 16 rows go to a warp, 64 to a page, 256 to a split, of which a block may
// have several.
void decode_on_hopper(Check& check, Type pages) {
  const auto with = [&](const char* name, const std::vector<Sequence>& sequences, int64_t H) {
    run_case(check, {name, sequences, Type::bf16, pages, H, true, 1.0f, true});
  };
  with("row_edges", {{14, 1}, {15, 1}, {16, 1}, {60, 8}, {46, 3}}, 2);
  with("few", {{70, 5}, {300, 1}, {63, 2}, {0, 8}}, 3);
  with("split_edges", {{1500, 3}, {1023, 1}, {1024, 1}, {1279, 8}, {3000, 2}}, 1);
  run_case(check, {"split_edges_f16",
                   {{530, 2}, {767, 1}},
                   Type::f16,
                   pages == Type::bf16 ? Type::f16 : pages,
                   2,
                   true,
                   1.0f,
                   true});
  tokens_together_equal_one_by_one(
      check, {"one_by_one", {{250, 8}}, Type::bf16, pages, 1, true, 1.0f, true});
}

void hopper_prefill_multiplies_whole_blocks(Check& check) {
  const Case c{"blocks", {{0, 384}}, Type::bf16, Type::bf16, 1, false, 1.0f, true};
  for_each_schedule(1, [&](uint64_t seed) {
    check.begin(c.text(), seed);
    const Inputs in(c);
    run(in, c, 0, 1, in.r.P);
    constexpr int64_t kBlocks = 1 + 2 + 3;
#ifndef BC_ON_GPU
    const simt::Counters& counted = simt::counters();
    check.that(counted.tensor_clocks == kBlocks * 2048, "tensor clocks differ from the header's");
    check.that(counted.operand_wavefronts == kBlocks * 1280, "operands differ from the header's");
#endif
    const double block = 128 * kD * 2;
    // Tiles 0 and 1 share block 0.
    check_bytes(check, 4 * 3 * block, (3 + 2 * (kBlocks - 1) + 3) * block);
  });
}

// A tile meets the blocks from its diagonal to the beginning of its window, and two tiles read them once.
void hopper_prefill_passes_over_what_no_query_sees(Check& check) {
  const Case c{
      "out_of_window", {{0, 1024}}, Type::bf16, Type::bf16, 2, false, 1.0f, true, 2, 64, 256};
  for_each_schedule(1, [&](uint64_t seed) {
    check.begin(c.text(), seed);
    const Inputs in(c);
    run(in, c, 0, 1, in.r.P);
#ifndef BC_ON_GPU
    check.that(simt::counters().tensor_clocks == 2 * (1 + 2 + 6 * 3) * 1024,
               "tensor clocks differ from those of the window");
#endif
    const double block = 128 * 64 * 2;
    // Queries, output, keys and values; what two tiles see: 2 blocks, 4, 4 and 4.
    check_bytes(check, (2 * 8 + 2 * 8 + 2 * 8) * block, (4 * 8 + 2 * 2 * (2 + 4 + 4 + 4)) * block);
  });
}

// Far from steep ALiBi, blocks of keys are passed over. Results are those of all keys, and a piece, whose
// tiles see with other queries beside them, or all because it is short, has the same bits.
void alibi_passes_over_what_vanishes(Check& check, Type pages_type) {
  const Case c{"far", {{0, 2060}}, Type::bf16, pages_type, 2, true, 0.1f, true};
  constexpr int64_t kP = 64;  // tokens and pages enough that lengths are asked for
  Inputs in(c);
  in.slopes = {0.7f, 0.1f};
  // The second head's queries see nothing but a key at the beginning: its product outweighs distances.
  for (int64_t d = 0; d < kD; ++d) {
    for (int64_t t = 0; t < in.r.T; ++t) in.qkv.row(t)[kD + d] = 1.0f;
    const int64_t key = in.cache.row(in.r, 0, 0, 1, 5);
    in.cache.put(key * kD + d, pages_type == Type::i8 ? 127.0f : 20.0f);
    if (pages_type == Type::i8) in.cache.scales[static_cast<size_t>(key)] = 20.0f / 127.0f;
  }
  const std::vector<Expected> want = expected(in, c);
  for_each_schedule(1, [&](uint64_t seed) {
    check.begin(c.text(), seed);
    const Matrix out = run(in, c, 0, 1, kP);
    check.compare("out", out, want);
#ifndef BC_ON_GPU
    // 17 tiles of 1 to 17 blocks a head, and those of the first head see at most 4.
    const int64_t blocks = simt::counters().tensor_clocks / 2048;
    check.that(blocks >= 153 + 17 && blocks <= 153 + 17 * 4, "blocks that vanish are multiplied");
#endif
    Inputs pieces = in;
    pieces.batch.offsets = {0, 100, 2060};
    pieces.batch.table.insert(pieces.batch.table.end(), in.batch.table.begin(),
                              in.batch.table.end());
    pieces.r = pieces.batch.ragged();
    check.that(same_rows(out, 0, run(pieces, c, 0, 2, kP)), "other bits in pieces");
    check.that(same_rows(out, 100, run(pieces, c, 1, 2, kP)), "other bits where all is seen");
  });
}

// Lengths of keys are not asked for on pages that no query sees, of which one is half of a block.
void lengths_of_keys_in_the_window(Check& check) {
  const Case c{"far_window", {{4160, 2048}}, Type::bf16, Type::bf16, 1,   true,
               0.1f,         true,           1,          kD,         4096};
  Inputs in(c);
  in.slopes = {0.7f};
  Inputs first = in;  // two tiles, to be compared
  first.batch.offsets = {0, 130};
  first.batch.positions.resize(130);
  first.r = first.batch.ragged();
  const std::vector<Expected> want = expected(first, c);
  for_each_schedule(1, [&](uint64_t seed) {
    check.begin(c.text(), seed);
    Matrix out = run(in, c, 0, 1, in.r.P);
    out.rows = first.r.T;
    check.compare("out", out, want);
#ifndef BC_ON_GPU
    // 17 tiles would see 33 blocks.
    check.that(simt::counters().tensor_clocks <= 17 * 5 * 2048, "lengths of keys are not known");
#endif
  });
}

}  // namespace

int main() {
  if (!is_hopper()) {
    std::printf("cuda_attention_sm90: skipped, no GPU of compute capability 9.0\n");
    return 77;
  }
  return run_on_device("cuda_attention_sm90", [](Check& check) {
    const Type bf16 = Type::bf16;
    const Type f16 = Type::f16;
    attention_of_prompts_and_tokens(check, true);
    for (const Type pages : {bf16, Type::i8}) decode_on_hopper(check, pages);
    hopper_prefill_multiplies_whole_blocks(check);
    hopper_prefill_passes_over_what_no_query_sees(check);
    // Tiles of 128 positions, each in two halves and two of them side by side; the ring going round.
    const std::vector<Sequence> edges = {
        {0, 9},   {0, 63},  {3, 1},   {0, 127},  {0, 128}, {0, 129},  {119, 9},  {120, 9},
        {5, 300}, {64, 64}, {128, 8}, {127, 65}, {0, 257}, {250, 10}, {256, 20}, {384, 140}};
    for (const bool alibi : {false, true}) {
      if (is_brief() && !alibi) continue;
      run_case(check, {"block_edges", edges, bf16, bf16, 1, alibi, 1.0f, true}, 2);
      run_case(check, {"block_edges", edges, f16, f16, 1, alibi, 1.0f, true}, 2);
      run_case(check, {"block_edges", edges, bf16, Type::i8, 1, alibi, 1.0f, true}, 2);
    }
    // Windows that end in one block of a tile or in two, or let a block of a cluster see one block less.
    for (const int64_t window : {100, 128, 129}) {
      if (is_brief() && window != 129) continue;
      run_case(check, {"block_edges", edges, bf16, bf16, 2, true, 1.0f, true, 2, 128, window});
    }
    for (const int64_t window : {1, 200})
      run_case(check, {"block_edges", edges, bf16, Type::i8, 2, true, 1.0f, true, 2, 64, window});
    prompt_in_pieces_equals_whole(
        check, {"whole", {{0, 300}}, bf16, bf16, 1, true, 1.0f, true, 1, kD, 130});
    run_case(check, {"far_tile", {{20000, 9}}, bf16, bf16, 1, true, 1.0f, true});
    alibi_passes_over_what_vanishes(check, bf16);
    alibi_passes_over_what_vanishes(check, Type::i8);
    lengths_of_keys_in_the_window(check);
    if (is_brief()) return;
    run_case(check, {"many_blocks", {{700, 400}}, bf16, bf16, 2, true, 1.0f, true}, 2);
  });
}
