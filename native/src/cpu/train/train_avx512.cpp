// Kernels of training for avx512.
#if defined(__x86_64__)

#include "cpu/simd/simd_avx512.h"
#include "cpu/train/train_table.h"

namespace bc::cpu {

constexpr TrainKernels avx512_train_kernels = train_table<Avx512Lanes>();

}  // namespace bc::cpu

#endif
