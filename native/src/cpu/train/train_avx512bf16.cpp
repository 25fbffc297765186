// Kernels of training for avx512_bf16.
#if defined(__x86_64__)

#include "cpu/simd/simd_avx512bf16.h"
#include "cpu/train/train_table.h"

namespace bc::cpu {

constexpr TrainKernels avx512_bf16_train_kernels = train_table<Avx512Bf16Lanes>();

}  // namespace bc::cpu

#endif
