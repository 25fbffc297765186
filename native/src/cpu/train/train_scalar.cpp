// Kernels of training for scalar.
#include "cpu/simd/simd_scalar.h"
#include "cpu/train/train_table.h"

namespace bc::cpu {

constexpr TrainKernels scalar_train_kernels = train_table<ScalarLanes>();

}  // namespace bc::cpu
