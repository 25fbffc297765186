// Which kernel multiplies which weights.
#pragma once

#include "cpu/matmul/matmul_codes.h"
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
            128 / V::plain_rows * V::plain_rows, 6, 0, MatmulPlain<V>::sum_bytes(),
            &MatmulPlain<V>::template run<W, kPairs>};
  }

  using Run = void (*)(const MatmulParams& p, const uint8_t* x, int64_t m0, int64_t m1, int64_t u0,
                       int64_t u1, uint8_t* scratch);

  static MatmulKernel int8(int64_t unpacked_group, Run run) {
    // 576 rows take 360 KiB of int8 x and, by 8 panels, 288 KiB of sums: the second-level cache.
    return {&MatmulInput<V>::int8,
            kInt8Row,
            V::few,
            V::rows,
            576 / V::rows * V::rows,
            8,
            V::panels * kDepth * unpacked_group,
            kPanel * 4,
            run};
  }
  template <Type kType>
  static MatmulKernel int8() {
    return int8(kUnpackedGroup, &MatmulInt8<V>::template run<kType>);
  }

  template <int kBits>
  static MatmulKernel codes_of(GroupKind kind) {
    const auto kernel = [](auto kernels) {
      using K = decltype(kernels);
      return int8(K::Tile::stride, &K::run);
    };
    if constexpr (kBits <= 4) {
      if (kind == GroupKind::grid) return kernel(MatmulCodes<V, kBits, GroupKind::grid>{});
    }
    return kind == GroupKind::lifted ? kernel(MatmulCodes<V, kBits, GroupKind::lifted>{})
                                     : kernel(MatmulCodes<V, kBits, GroupKind::scaled>{});
  }
  static MatmulKernel codes(CodeFormat format) {
    const GroupKind kind = group_kind(format.form);
    switch (format.bits) {
      case 2:
        return codes_of<2>(kind);
      case 3:
        return codes_of<3>(kind);
      case 4:
        return codes_of<4>(kind);
      case 5:
        return codes_of<5>(kind);
      case 6:
        return codes_of<6>(kind);
      default:
        return codes_of<8>(kind);
    }
  }

  static MatmulKernel exact(Run run) {
    return {nullptr, 0,  V::exact_rows, V::exact_rows, 128 / V::exact_rows * V::exact_rows, 4, 0,
            0,       run};
  }

  static MatmulKernel kernel(Type w, bool exact_x) {
    if (is_codes(w)) return exact_x ? exact(&MatmulCodesExact<V>::run) : codes(format_of(w));
    switch (w) {
      case Type::f32:
        return plain<float>();
      case Type::f16:
        return plain<f16>();
      case Type::bf16:
        return exact_x ? plain<bf16>() : plain<bf16, V::pairs>();
      case Type::q8:
        return exact_x ? exact(&MatmulExact<V>::template run<Type::q8>) : int8<Type::q8>();
      default:
        return exact_x ? exact(&MatmulExact<V>::template run<Type::q4>) : int8<Type::q4>();
    }
  }
};

}  // namespace bc::cpu
