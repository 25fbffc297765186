// In which order do persistent blocks take tiles of queries? Those with the most keys come first, so
// that what blocks end with is short (docs/attention-hopper.md).
//
// A tile is the queries of one sequence at positions kRows l to kRows l + kRows - 1, as many of them
// as there are; l is its level, and it meets l + 1 blocks of kRows keys. Tiles are numbered level by
// level from the highest down, at one level by sequence. Every block walks down the levels by itself,
// since lengths are on the device only.
#pragma once

#include "cuda/attention/attention.h"
#include "cuda/load.cuh"

namespace bc::cuda {

template <int kRows>
class LongestFirst {
 public:
  struct Tile {
    int level;  // -1: there is none
    int sequence;
    int begin, end;  // its rows that are queries of the batch
    int token;       // the token of row 0, which lies before the sequence where begin is not 0
  };

  __device__ __forceinline__ explicit LongestFirst(const Ragged& batch)
      : batch_(batch), level_(static_cast<int>(batch.P * kPageSize / kRows)) {}

  // Tile number n, which is not below that of the call before.
  __device__ __forceinline__ Tile find(int n) {
    const int lane = static_cast<int>(ptx::lane_id());
    for (;;) {
      int here = above_;  // tiles that come before those of these sequences
      int below = -1;     // the next level with a tile
      for (int base = 0; base < batch_.B; base += kWarp) {
        const int b = base + lane;
        int token = 0, tokens = 0, first = 0;
        if (b < batch_.B) {
          token = load(batch_.offsets + b);
          tokens = load(batch_.offsets + b + 1) - token;
          if (tokens > kFewQueries) first = load(batch_.positions + token);
        }
        const bool many = tokens > kFewQueries;
        const int low = first / kRows;
        const int high = (first + tokens - 1) / kRows;
        const bool at_level = many && low <= level_ && level_ <= high;
        const uint32_t all = ptx::vote_ballot(at_level);
        const int mine = here + ptx::popc(all & ((1u << lane) - 1));
        const uint32_t owner =
            ptx::redux_min(static_cast<uint32_t>(at_level && mine == n ? lane : kWarp));
        if (owner < kWarp) {
          const int row0 = level_ * kRows;
          const int begin = first > row0 ? first - row0 : 0;
          const int left = first + tokens - row0;
          return {level_, base + static_cast<int>(owner), ptx::shfl_idx(begin, owner),
                  ptx::shfl_idx(left < kRows ? left : kRows, owner),
                  ptx::shfl_idx(token + row0 - first, owner)};
        }
        here += ptx::popc(all);
        const int next = !many || low >= level_ ? -1 : high < level_ ? high : level_ - 1;
        const int highest = static_cast<int>(ptx::redux_max(static_cast<uint32_t>(next + 1))) - 1;
        below = highest > below ? highest : below;
      }
      if (below < 0) return {-1, 0, 0, 0, 0};
      above_ = here;
      level_ = below;
    }
  }

 private:
  const Ragged& batch_;
  int level_;
  int above_ = 0;  // tiles of higher levels
};

}  // namespace bc::cuda
