// The kernels of one instruction set, for its lanes V: each train_*.cpp has one such table, and no more.
#pragma once

#include "cpu/train/adamw_kernel.h"
#include "cpu/train/attention_backward_kernel.h"
#include "cpu/train/cross_entropy_kernel.h"
#include "cpu/train/matmul_backward_kernel.h"
#include "cpu/train/rms_norm_backward_kernel.h"
#include "cpu/train/rope_backward_kernel.h"
#include "cpu/train/row_norms_backward_kernel.h"
#include "cpu/train/swiglu_backward_kernel.h"

namespace bc::cpu {

template <class V>
constexpr TrainKernels train_table() {
  using Matmul = MatmulBackward<V>;
  TrainKernels table{};
  table.input_room = sizeof(typename Matmul::InputRoom);
  table.input = &Matmul::template input<float>;
  table.pack = &Matmul::template pack<float>;
  table.weight = &Matmul::template weight<float>;
  if constexpr (V::pairs) {
    table.input_pairs = &Matmul::template input<Pair>;
    table.round_pairs = &Matmul::round;
    table.pack_pairs = &Matmul::template pack<Pair>;
    table.weight_pairs = &Matmul::template weight<Pair>;
  }
  table.attention = &AttentionBackward<V>::run;
  table.rms_norm_rows = &RmsNormBackward<V>::rows;
  table.rms_norm_weight = &RmsNormBackward<V>::weight;
  table.swiglu = &SwigluBackward<V>::run;
  table.rope = &RopeBackward<V>::run;
  table.weigh_logits = &CrossEntropy<V>::weigh;
  table.finish_logits = &CrossEntropy<V>::finish;
  table.row_norms = &RowNormsBackward<V>::run;
  table.adamw = &Adamw<V>::run;
  return table;
}

}  // namespace bc::cpu
