// What is linked in place of the kernels where they are not built: there is no GPU to open.
#include "backend.h"
#include "cuda/device.h"
#include "cuda/driver.h"

namespace bc {

cuda::Available cuda::available() {
  return {0, why_no_kernels(driver_is_loaded()), installed_driver(), ""};
}

std::unique_ptr<Backend> cuda_backend(int index, void*) { cuda::refuse(cuda::available(), index); }

}  // namespace bc
