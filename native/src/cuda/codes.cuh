// Codes on their way from global memory to registers: what a lane holds of a block (codes_layout.h), and of
// the scales behind it.
#pragma once

#include "cuda/codes_layout.h"
#include "cuda/load.cuh"

namespace bc::cuda {

constexpr uint8_t kAndOr = (0xf0 & 0xcc) | 0xaa;   // (a & b) | c of lop3
constexpr uint8_t kAndXor = (0xf0 & 0xcc) ^ 0xaa;  // (a & b) ^ c

// Shifts up by a number of bits that may be negative.
template <int kBits>
__device__ __forceinline__ uint32_t shifted(uint32_t word) {
  if constexpr (kBits < 0) {
    return word >> -kBits;
  } else {
    return word << kBits;
  }
}

// The same bits in both halves.
__host__ __device__ constexpr uint32_t twice(uint32_t bits) { return bits << 16 | bits; }

// So many bits of each half, from bit `at` on.
__host__ __device__ constexpr uint32_t field(int bits, int at) {
  return twice(((1u << bits) - 1u) << at);
}

template <int kBits>
struct LaneCodes {
  uint32_t words[kLaneWords<kBits>];

  // Of the block at byte `at` of a panel. Places in a panel are counted in 32 bits: as pointers, those of
  // all accesses of several panels would fill registers.
  static __device__ __forceinline__ LaneCodes load(const uint8_t* panel, uint32_t at SIMT_SITE) {
    constexpr int kFirst = first_words(kBits);
    constexpr int kSecond = second_bytes(kBits);
    const uint32_t lane = ptx::lane_id();
    LaneCodes codes;
    const auto first = load_once<kFirst>(
        reinterpret_cast<const uint32_t*>(panel + (at + lane * (4 * kFirst))) SIMT_PASS);
#pragma unroll
    for (int i = 0; i < kFirst; ++i) codes.words[i] = first[i];
    const uint8_t* const second = panel + (at + 32 * 4 * kFirst + lane * kSecond);
    if constexpr (kSecond == 2) {
      codes.words[kFirst] = load_once<1>(reinterpret_cast<const uint16_t*>(second) SIMT_PASS)[0];
    } else if constexpr (kSecond == 4) {
      codes.words[kFirst] = load_once<1>(reinterpret_cast<const uint32_t*>(second) SIMT_PASS)[0];
    }
    return codes;
  }

  // The two bytes that come second, one in each half of a register.
  __device__ __forceinline__ LaneCodes spread() const {
    LaneCodes codes = *this;
    if constexpr (second_bytes(kBits) == 2)
      codes.words[kLaneWords<kBits> - 1] = ptx::prmt(words[kLaneWords<kBits> - 1], 0, 0x4140);
    return codes;
  }

  // Of 8 bits: pair j in the lower bytes of the two halves, other bits above.
  template <int j>
  __device__ __forceinline__ uint32_t word() const {
    return shifted<-(j % 2 * 8)>(words[j / 2]);
  }

  // Pair j of codes that were spread, from bit kAt of each half on; the bits of `around` in all others.
  template <int kAt, int j>
  __device__ __forceinline__ uint32_t pair(uint32_t around) const {
    if constexpr (kBits == 8) {
      static_assert(kAt == 0, "8 bits are not moved up");
      return ptx::lop3<kAndOr>(word<j>(), field(8, kAt), around);
    } else if constexpr (kBits >= 4) {
      const uint32_t low =
          ptx::lop3<kAndOr>(shifted<kAt - j % 4 * 4>(words[j / 4]), field(4, kAt), around);
      if constexpr (kBits == 4) {
        return low;
      } else {
        constexpr int kMore = kBits - 4;
        return ptx::lop3<kAndOr>(shifted<kAt + 4 - j * kMore>(words[2]), field(kMore, kAt + 4),
                                 low);
      }
    } else if constexpr (kBits == 3) {
      if constexpr (j < 5) {
        return ptx::lop3<kAndOr>(shifted<kAt - 3 * j>(words[0]), field(3, kAt), around);
      } else if constexpr (j < 7) {
        return ptx::lop3<kAndOr>(shifted<kAt - 3 * (j - 5)>(words[1]), field(3, kAt), around);
      } else {
        const uint32_t low = ptx::lop3<kAndOr>(shifted<kAt - 6>(words[1]), field(2, kAt), around);
        return ptx::lop3<kAndOr>(shifted<kAt + 2 - 15>(words[0]), field(1, kAt + 2), low);
      }
    } else {
      return ptx::lop3<kAndOr>(shifted<kAt - 2 * j>(words[0]), field(2, kAt), around);
    }
  }
};

// What a lane's two rows of a panel have in a group: scales or grids, then zeros or least numbers.
struct LaneScales {
  uint32_t scales, zeros;
};

// How the groups of a type of codes lie in a panel.
struct CodeGroups {
  int form;
  int log2_blocks;  // of a group
  int values;       // bytes of codes of a group
  int bytes;        // of a group

  CodeGroups() = default;
  __host__ __device__ explicit CodeGroups(Type codes)
      : form(static_cast<int>(format_of(codes).form)),
        log2_blocks(format_of(codes).log2_group - 5),
        values(static_cast<int>(value_bytes(codes))),
        bytes(static_cast<int>(group_bytes(codes))) {}

  __device__ __forceinline__ bool is(CodeForm f) const { return form == static_cast<int>(f); }
  __device__ __forceinline__ bool has_zeros() const {
    return is(CodeForm::zero) || is(CodeForm::min);
  }
  // Bytes of a panel of so many blocks.
  __device__ __forceinline__ int64_t panel_bytes(int blocks) const {
    return int64_t{blocks >> log2_blocks} * bytes;
  }
  // At which byte of the panel the group of a block begins, and the block in it.
  __device__ __forceinline__ uint32_t group_at(int block) const {
    return static_cast<uint32_t>((block >> log2_blocks) * bytes);
  }
  template <int kBits>
  __device__ __forceinline__ uint32_t block_at(int block) const {
    return static_cast<uint32_t>((block & ((1 << log2_blocks) - 1)) * (64 * kBits));
  }
  // Of the group at byte `at`. Blocks of a group read its scales again, from L1.
  __device__ __forceinline__ LaneScales load(const uint8_t* panel, uint32_t at SIMT_SITE) const {
    const auto* const scales = reinterpret_cast<const uint32_t*>(
        panel + (at + static_cast<uint32_t>(values) + ptx::lane_id() / 4 * 4));
    LaneScales lane = {bc::cuda::load(scales SIMT_PASS), 0};
    if (has_zeros()) lane.zeros = bc::cuda::load(scales + kScales / 4 SIMT_PASS);
    return lane;
  }

  // Of row `half` of the two: the scale, and what is beside it as a number.
  __device__ __forceinline__ float scale(const LaneScales& lane, int half) const {
    const uint32_t bits = lane.scales >> 16 * half & 0xffffu;
    // A grid's scale is that of f16, 2^12 times as large.
    const bool grid = is(CodeForm::grid);
    const float f = ptx::cvt_f32_f16(static_cast<uint16_t>(grid ? bits >> 1 & 0x7fc0u : bits));
    return grid ? f * 0x1p-12f : f;
  }
  static __device__ __forceinline__ float zero(const LaneScales& lane, int half) {
    return ptx::cvt_f32_f16(static_cast<uint16_t>(lane.zeros >> 16 * half & 0xffffu));
  }
  static __device__ __forceinline__ uint32_t grid_zero(const LaneScales& lane, int half) {
    return lane.scales >> 16 * half & 127u;
  }
};

}  // namespace bc::cuda
