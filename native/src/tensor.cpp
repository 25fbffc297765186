#include "tensor.h"

#include "error.h"
#include "quant.h"

namespace bc {

int64_t Tensor::elements() const {
  int64_t n = 1;
  for (int32_t i = 0; i < rank; ++i) n *= shape[i];
  return n;
}

int64_t Tensor::bytes() const {
  return is_quantized(type) ? packed_bytes(type, shape[0], shape[1])
                            : elements() * element_bytes(type);
}

std::string Tensor::describe() const {
  return std::string(name_of(type)) + " " + shape_text(shape, rank);
}

}  // namespace bc
