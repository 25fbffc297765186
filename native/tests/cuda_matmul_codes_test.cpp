#include "cuda_matmul_cases.h"

using namespace bc;
using namespace bc::test;

namespace {

// Of each number of bits one, of each form and group at least one.
constexpr CodeFormat kFormats[] = {
    {3, 6, CodeForm::grid}, {2, 5, CodeForm::grid}, {4, 5, CodeForm::symmetric},
    {5, 7, CodeForm::zero}, {6, 6, CodeForm::min},  {8, 7, CodeForm::min},
};

// Every type of codes, by the kernels for few tokens and for many in turn; rows and panels with tails, and
// fewer groups than parts.
void every_type(Check& check, ThreadPool& pool) {
  constexpr int64_t kTokens[] = {3, 33, 12, 40, 21};
  int turn = 0;
  for (const Type w : code_types()) {
    Case c{kTokens[turn % 5], 35, 384, turn % 2 == 0 ? Type::bf16 : Type::f16, w, Type::f32};
    c.hopper = turn % 3 == 0;  // the order in memory and the kernels are the same
    c.row_scale = turn % 4 == 1;
    run_case(check, c, pool);
    ++turn;
  }
}

// A row has the same bits whatever the number of tokens, the tile and the share of the work.
void every_number_of_tokens(Check& check, Type type, Type w, ThreadPool& pool) {
  const int64_t K = group_columns(w) == 128 ? 640 : 704;
  const auto with = [&](int64_t M, int schedules, const Gpu& g) {
    Case c{M, 111, K, type, w, Type::f32, true, schedules, Epilogue::none, g.sms, g.shared_memory};
    c.bias = type == Type::f16;
    return c;
  };
  Matrix few = run_case(check, with(1, 3, kGpus[0]), pool);
  size_t gpu = 0;
  for (const int64_t M : {8, 9, 16, 17, 32, 33, 65, 129}) {
    const Matrix many = run_case(check, with(M, 1, kGpus[gpu++ % 5]), pool);
    check_same_rows(check, few, many);
    few = many;
  }
}

// Whole tiles and split ones, narrow and wide, with the epilogues.
void every_tile(Check& check, Type type, Type w, ThreadPool& pool) {
  for (const Epilogue epilogue : {Epilogue::none, Epilogue::swiglu}) {
    Matrix first(0, 0);
    for (const Gpu& g : kGpus) {
      if (is_brief() && g.sms != 7) continue;
      Case c{150, 222, 384, type, w, type, true, 1, epilogue, g.sms, g.shared_memory};
      c.bias = true;
      const Matrix out = run_case(check, c, pool);
      if (first.rows == 0) first = out;
      check_same_rows(check, first, out);
    }
    run_case(check, {2, 130, 128, type, w, type, false, 2, epilogue}, pool);
  }
}

}  // namespace

int main() {
  return run_on_device("cuda_matmul_codes", [](Check& check) {
    ThreadPool pool(1);
    every_type(check, pool);
    int turn = 0;
    for (const CodeFormat format : kFormats) {
      const Type type = turn++ % 2 == 0 ? Type::bf16 : Type::f16;
      const Type w = type_of(format);
      every_number_of_tokens(check, type, w, pool);
      if (format.bits <= 3 || format.bits == 8) every_tile(check, type, w, pool);
      // The bytes that the headers name.
      for (const int64_t M : {1, 16, 32})
        run_case(check, {M, 96, 1024, type, w, type, false}, pool);
    }
    // As many columns as 13B has.
    run_case(check, {1, 48, 13824, Type::bf16, type_of({3, 6, CodeForm::grid}), Type::bf16}, pool);
  });
}
