// Bulk copies by tensor maps, and the maps themselves as the driver would make them.
#include "cuda/tensor_map.h"

#include "error.h"
#include "machine.h"

namespace bc::cuda {

TensorMap make_tensor_map(const TensorBox& box) {
  static_assert(sizeof(TensorBox) <= sizeof(TensorMap), "a map is what the emulator keeps there");
  TensorMap map = {};
  std::memcpy(&map, &box, sizeof box);
  return map;
}

}  // namespace bc::cuda
