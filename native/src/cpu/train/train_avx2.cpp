// Kernels of training for avx2.
#if defined(__x86_64__)

#include "cpu/simd/simd_avx2.h"
#include "cpu/train/train_table.h"

namespace bc::cpu {

constexpr TrainKernels avx2_train_kernels = train_table<Avx2Lanes>();

}  // namespace bc::cpu

#endif
