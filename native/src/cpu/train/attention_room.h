// What attention_backward needs for a sample of some tokens, in floats; tiles are of 64 by 64.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "cpu/tile_products.h"

namespace bc::cpu {

struct AttentionRoom {
  int64_t padded;  // tokens, in whole tiles
  int64_t chunks;  // tiles that the D columns of a head take
  float* keys;     // [chunks][padded][kTile]
  float* dkeys;
  float* dvalues;
  float* key_lanes;    // [padded / kTile][D][kTile]
  float* value_lanes;  // likewise
  float* scores;       // [padded / kTile][kTile][kTile] of a tile of queries
  float* dscores;      // [kTile][kTile]
  float* queries;      // [chunks][kTile][kTile], likewise
  float* douts;
  float* dqueries;

  AttentionRoom(float* memory, int64_t length, int64_t D)
      : padded((length + kTile - 1) / kTile * kTile), chunks((D + kTile - 1) / kTile) {
    const auto take = [&memory](int64_t floats) {
      float* const taken = memory;
      memory += floats;
      return taken;
    };
    for (float** rows : {&keys, &dkeys, &dvalues}) *rows = take(chunks * padded * kTile);
    for (float** lanes : {&key_lanes, &value_lanes}) *lanes = take(padded * D);
    scores = take(padded * kTile);
    dscores = take(kTile * kTile);
    for (float** tile : {&queries, &douts, &dqueries}) *tile = take(chunks * kTile * kTile);
  }

  static int64_t floats(int64_t length, int64_t D) {
    const int64_t padded = (length + kTile - 1) / kTile * kTile;
    const int64_t chunks = (D + kTile - 1) / kTile;
    return 3 * chunks * padded * kTile + 2 * padded * D + padded * kTile +
           (1 + 3 * chunks) * kTile * kTile;
  }
};

}  // namespace bc::cpu
