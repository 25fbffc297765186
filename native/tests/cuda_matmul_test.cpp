#include <algorithm>

#include "cuda_matmul_cases.h"

using namespace bc;
using namespace bc::test;

namespace {

void run_type(Check& check, Type type, Type w, ThreadPool& pool) {
  // Every M with its own tail, by kernel and tile, on one GPU after the other; N and, in rows of 16
  // bits, K with tails.
  const int64_t odd = is_quantized(w) ? 288 : 296;
  for (const Epilogue epilogue : {Epilogue::none, Epilogue::swiglu}) {
    const int64_t N = epilogue == Epilogue::swiglu ? 222 : 111;
    const auto with = [&](int64_t M, int schedules, const Gpu& g) {
      Case c{M, N, odd, type, w, Type::f32, true, schedules, epilogue, g.sms, g.shared_memory};
      c.bias = type == Type::f16;
      return c;
    };
    Matrix few = run_case(check, with(1, 3, kGpus[0]), pool);
    size_t gpu = 0;
    const std::vector<int64_t> every = {3, 8, 9, 16, 19, 32, 33, 47, 64, 65, 100, 128, 129, 300};
    const std::vector<int64_t> some = {9, 33, 300};
    for (const int64_t M : epilogue == Epilogue::none && type == Type::bf16 ? every : some) {
      const Matrix many = run_case(check, with(M, 1, kGpus[gpu++ % 5]), pool);
      check_same_rows(check, few, many);
      few = many;
    }
    for (const Gpu& g : kGpus) {
      if (is_brief() && g.sms != 7) continue;
      const Matrix same = run_case(check, with(300, 1, g), pool);
      check_same_rows(check, few, same);
      Case c{70, N, odd, type, w, type, false, 2, epilogue, g.sms};
      c.bias = g.sms == 1;
      run_case(check, c, pool);
    }
  }
  const int64_t cut = is_quantized(w) ? 96 : 104;  // fewer steps than parts
  for (const int64_t M : {2, 20, 40}) {
    for (const int64_t N : {1, 16, 130})
      run_case(check, {M, N, cut, type, w, type, false, 2}, pool);
    run_case(check, {M, 5, is_quantized(w) ? 32 : 8, type, w, type}, pool);
  }
  // The bytes that the header names.
  for (const int64_t M : {1, 8, 16, 32}) run_case(check, {M, 64, 1024, type, w, type, false}, pool);
}

// K has fewer steps than there are parts.
void run_short(Check& check, Case c, ThreadPool& pool) {
  for (const int64_t K : is_quantized(c.w_type) ? std::vector<int64_t>{32, 96, 160}
                                                : std::vector<int64_t>{8, 104, 152}) {
    c.K = K;
    for (const int64_t N : {1, 16, 130}) {
      c.N = N;
      run_case(check, c, pool);
    }
  }
}

// Hopper's kernel for many tokens: all tails, tiles of both widths, whole and split.
void run_hopper(Check& check, Type type, Type w, ThreadPool& pool) {
  const int64_t odd = is_quantized(w) ? 288 : 296;
  for (const Epilogue epilogue : {Epilogue::none, Epilogue::swiglu}) {
    const int64_t N = epilogue == Epilogue::swiglu ? 222 : 111;
    const auto with = [&](int64_t M, int64_t K, int sms) {
      Case c{M, N, K, type, w, Type::f32, true, 1, epilogue, sms};
      c.hopper = true;
      c.bias = type == Type::f16;
      return c;
    };
    Matrix few = run_case(check, with(33, odd, 132), pool);
    int sms = 1;
    for (const int64_t M : {64, 65, 128, 129, 200, 300}) {
      const Matrix many = run_case(check, with(M, odd, sms), pool);
      check_same_rows(check, few, many);
      few = many;
      sms = sms % 7 + 2;
    }
    Case c = with(70, odd, 132);
    c.out_type = type;
    c.row_scale = false;
    c.computed = true;
    c.schedules = 3;
    run_case(check, c, pool);
  }
  Case c{100, 130, 0, type, w, type, false, 2};
  c.hopper = true;
  run_short(check, c, pool);
}

// Hopper's kernel for few tokens, up to where the one for many takes over: tiles of two, three and
// four panels, the last of them not whole.
void run_hopper_few(Check& check, Type type, Type w, ThreadPool& pool) {
  for (const Epilogue epilogue : {Epilogue::none, Epilogue::swiglu}) {
    const int64_t N = epilogue == Epilogue::swiglu ? 222 : 111;
    Case c{1, N, is_quantized(w) ? 544 : 552, type, w, Type::f32, true, 3, epilogue, 132};
    c.hopper = true;
    c.bias = type == Type::f16;
    Matrix few = run_case(check, c, pool);
    c.schedules = 1;
    int turn = 0;
    for (const int64_t M : {1, 3, 8, 9, 16, 19, 32, 33, 64}) {
      constexpr int kProcessors[] = {1, 3, 2, 132};
      c.M = M;
      c.sms = kProcessors[turn++ % 4];
      const Matrix many = run_case(check, c, pool);
      check_same_rows(check, few, many);
      few = many;
    }
    c.M = 5;
    c.row_scale = false;
    c.out_type = type;
    run_case(check, c, pool);
  }
  Case c{2, 0, 0, type, w, type, false, 2};
  c.hopper = true;
  run_short(check, c, pool);
  // Longer than the ring, with parts of different lengths, and the next tile behind it.
  c.N = 160;
  c.K = 4448;
  c.sms = 2;
  for (const int64_t M : {1, 16, 32}) {
    c.M = M;
    run_case(check, c, pool);
  }
}

// The bytes that the header names.
void run_hopper_bytes(Check& check, Type w, ThreadPool& pool) {
  Case c{384, 512, 512, Type::bf16, w, Type::bf16, false, 1, Epilogue::none, 2};
  c.hopper = true;
  run_case(check, c, pool);
}

// What is split over sms has the bits of what is not, and a row those that it has elsewhere in
// the batch.
void run_hopper_splits(Check& check, Type w, ThreadPool& pool) {
  Case c{400, 300, 1056, Type::bf16, w, Type::f32, true};
  c.hopper = true;
  c.period = 13;
  Matrix first(0, c.N);
  bool whole = false;
  bool split = false;
  for (const int sms : {1, 2, 5, 7, 132}) {
    if (is_brief() && sms != 1 && sms != 132) continue;
    c.sms = sms;
    (cuda::matmul_scratch_bytes(sizes_of(c), gpu_of(c)) == 0 ? whole : split) = true;
    const Matrix out = run_case(check, c, pool);
    if (first.rows == 0) first = out;
    check_same_rows(check, first, out);
    bool same = true;
    for (int64_t m = c.period; m < c.M; ++m)
      same &= std::equal(out.row(m), out.row(m) + c.N, out.row(m % c.period));
    check.that(same, "a row has other bits elsewhere in the batch");
  }
  check.that(whole && split, "no tiles are split, or all of them");
}

}  // namespace

int main() {
  return run_on_device("cuda_matmul", [](Check& check) {
    ThreadPool pool(1);
    for (const Type type : {Type::bf16, Type::f16}) {
      for (const Type w : {type, Type::q8, Type::q4}) {
        if (is_brief() && type == Type::f16 && w != Type::q4) continue;
        run_type(check, type, w, pool);
        if (!is_hopper()) continue;
        run_hopper_few(check, type, w, pool);
        run_hopper(check, type, w, pool);
      }
    }
    if (is_hopper()) {
      for (const Type w : {Type::bf16, Type::q8, Type::q4}) {
        if (is_brief() && w != Type::q4) continue;
        run_hopper_splits(check, w, pool);
        run_hopper_bytes(check, w, pool);
      }
    }
    // The tiles of one round whole and those of the next split; of both kinds.
    run_case(check, {300, 300, 1024, Type::f16, Type::q4, Type::f32, false, 1, Epilogue::none, 7},
             pool);
    if (!is_brief())
      run_case(check,
               {256, 1024, 2048, Type::bf16, Type::q4, Type::bf16, false, 1, Epilogue::none, 7},
               pool);
    // As many rows and columns as 13B has.
    for (const int64_t M : {1, 33}) {
      if (is_brief() && M == 33) continue;
      run_case(check, {M, 125696, 32, Type::bf16, Type::q4, Type::f32}, pool);
      run_case(check, {M, 48, 13696, Type::bf16, Type::q8, Type::bf16}, pool);
    }
  });
}
