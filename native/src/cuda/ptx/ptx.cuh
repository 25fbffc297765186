// All inline PTX: one instruction per function, named after it. Each function has a host half, which
// the SIMT emulator carries out as the PTX ISA says. All run on sm_80 and later, unless they say that
// they need sm_90.
//
// All 32 lanes take part in instructions of a whole warp (ldmatrix, mma, shuffles, votes).
#pragma once

#include "cuda/ptx/arithmetic.cuh"
#include "cuda/ptx/barriers.cuh"
#include "cuda/ptx/global_memory.cuh"
#include "cuda/ptx/shared_memory.cuh"
#include "cuda/ptx/tensor_cores.cuh"
#include "cuda/ptx/warp.cuh"
