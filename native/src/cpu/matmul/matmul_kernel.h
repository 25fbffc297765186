// Which kernel multiplies which weights.
#pragma once

#include "cpu/matmul/matmul_exact.h"
#include "cpu/matmul/matmul_int8.h"
#include "cpu/matmul/matmul_plain.h"
#include "cpu/matmul/matrix_kernels.h"

namespace bc::cpu {

template <class V>
struct Matmul {
  template <class W, bool kPairs = false>
  static MatmulKernel plain() {
    return {kPairs ? &MatmulInput<V>::bf16_pairs : nullptr, kPairs ? kBf16Row : 0, V::plain_rows,
            V::plain_rows,
            // 128 rows x 4 KiB of x, in the second-level cache; 96 rows of w, whole register blocks
            // of 6, 4, 3, 2 or 1.
            128 / V::plain_rows * V::plain_rows, 6, 0, 0, &MatmulPlain<V>::template run<W, kPairs>};
  }

  template <Type kType>
  static MatmulKernel int8() {
    // 576 rows take 360 KiB of int8 x and, by 8 panels, 288 KiB of sums: the second-level cache.
    return {&MatmulInput<V>::int8,
            kInt8Row,
            V::few,
            V::rows,
            576 / V::rows * V::rows,
            8,
            V::panels * kUnpackedPanel,
            kPanel * 4,
            &MatmulInt8<V>::template run<kType>};
  }

  template <Type kType>
  static MatmulKernel exact() {
    return {nullptr,
            0,
            V::exact_rows,
            V::exact_rows,
            128 / V::exact_rows * V::exact_rows,
            4,
            0,
            0,
            &MatmulExact<V>::template run<kType>};
  }

  static MatmulKernel kernel(Type w, bool exact_x) {
    switch (w) {
      case Type::f32:
        return plain<float>();
      case Type::f16:
        return plain<f16>();
      case Type::bf16:
        return exact_x ? plain<bf16>() : plain<bf16, V::pairs>();
      case Type::q8:
        return exact_x ? exact<Type::q8>() : int8<Type::q8>();
      default:
        return exact_x ? exact<Type::q4>() : int8<Type::q4>();
    }
  }
};

}  // namespace bc::cpu
