// All inline PTX: one instruction per function, named after it. Each has a host half, which the
// SIMT emulator carries out as the PTX ISA says. sm_80 and up; what needs sm_90 says so.
//
// Instructions of a whole warp (ldmatrix, mma, shuffles, votes) are always of all 32 lanes.
#pragma once

#include "cuda/ptx/arithmetic.cuh"
#include "cuda/ptx/barriers.cuh"
#include "cuda/ptx/global_memory.cuh"
#include "cuda/ptx/shared_memory.cuh"
#include "cuda/ptx/tensor_cores.cuh"
#include "cuda/ptx/warp.cuh"
