// What of a GPU the rest of the library asks for.
#pragma once

#include <cstdint>
#include <string>

namespace bc::cuda {

struct Facts {
  std::string name;           // "NVIDIA H100 80GB HBM3"
  int capability = 0;         // 90 for sm_90
  int sms = 0;                // streaming multiprocessors
  int64_t memory = 0;         // bytes
  int64_t shared_memory = 0;  // bytes that a block may have
  // Runs the kernels of sm_90a (kernel_choice.h); q8 and q4 are in their order (quant_layout.h).
  bool hopper = false;
};

}  // namespace bc::cuda
