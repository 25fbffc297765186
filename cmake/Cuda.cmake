# The CUDA kernels: built when nvcc is found. The library carries the CUDA runtime and needs no CUDA
# library to load.
set(BC_CUDA AUTO CACHE STRING "Build the CUDA kernels: AUTO (when nvcc is found), ON or OFF")
set_property(CACHE BC_CUDA PROPERTY STRINGS AUTO ON OFF)

set(BC_GPUS ALL CACHE STRING
  "GPUs to build the kernels for: ALL, NONE, or compute capabilities such as 8.9,9.0")

if(DEFINED CACHE{CMAKE_CUDA_ARCHITECTURES})
  # An option of the caller, or what an older build has left in its folder.
  message(WARNING "CMAKE_CUDA_ARCHITECTURES has no effect: name the GPUs in BC_GPUS, such as -DBC_GPUS=8.9,9.0")
  unset(CMAKE_CUDA_ARCHITECTURES CACHE)
endif()

set(BC_HAVE_CUDA OFF)
# What was built, for the baichuan script: NONE, or BC_GPUS.
set(BC_KERNELS NONE CACHE INTERNAL "")
if(BC_SANITIZE OR BC_CUDA STREQUAL "OFF" OR BC_GPUS STREQUAL "NONE")
  # Sanitizers see the kernels through the SIMT emulator.
  message(STATUS "CUDA kernels: OFF")
  return()
endif()

set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
include(CheckLanguage)
if(NOT CMAKE_CUDA_COMPILER)
  unset(CMAKE_CUDA_COMPILER CACHE)  # nvcc may have been installed since it was not found
endif()
check_language(CUDA)
if(CMAKE_CUDA_COMPILER)
  # The options of BC_CUDA_CODE say what is compiled for.
  set(CMAKE_CUDA_ARCHITECTURES OFF)
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  set(BC_HAVE_CUDA ON)
  set(BC_CUDA_RUNTIME CUDA::cudart_static)
elseif(BC_CUDA STREQUAL "ON")
  message(FATAL_ERROR "BC_CUDA is ON, but no CUDA compiler was found: install nvcc 12 or later")
endif()
message(STATUS "CUDA kernels: ${BC_HAVE_CUDA}")
if(NOT BC_HAVE_CUDA)
  return()
endif()

# There is machine code for each generation, so that nothing is compiled at first use; the code for 8.6,
# 10.0 and 12.0 serves 8.9, 10.3 and 12.1 too. PTX serves generations to come.
include(Gpus)
set(BC_CUDA_ARCHITECTURES 80-real 86-real 90a-real)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12.8)
  list(APPEND BC_CUDA_ARCHITECTURES 100-real 120-real)
endif()
list(APPEND BC_CUDA_ARCHITECTURES 90-virtual)
if(NOT BC_GPUS STREQUAL "ALL")
  string(REPLACE "," ";" gpus "${BC_GPUS}")
  bc_architectures(BC_CUDA_ARCHITECTURES "${BC_CUDA_ARCHITECTURES}" "${gpus}")
  if(NOT BC_CUDA_ARCHITECTURES)
    message(FATAL_ERROR "BC_GPUS has value ${BC_GPUS}, expected ALL, NONE, or compute capabilities from 8.0")
  endif()
endif()
bc_cuda_code(BC_CUDA_CODE "${BC_CUDA_ARCHITECTURES}")
message(STATUS "CUDA architectures: ${BC_CUDA_ARCHITECTURES}")
set(BC_KERNELS ${BC_GPUS} CACHE INTERNAL "")

set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
# ptxas reports what each kernel takes; Resources.cmake reads its reports, which lie beside the objects.
set(CMAKE_CUDA_COMPILER_LAUNCHER sh ${CMAKE_CURRENT_LIST_DIR}/keep_ptxas_report.sh
  ${CMAKE_CXX_COMPILER_LAUNCHER})
set(BC_CUDA_OPTIONS -Xptxas=-v -Xcompiler=-Wall,-Wextra,-ffp-contract=off --Werror=all-warnings)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 12.8)
  list(APPEND BC_CUDA_OPTIONS --compress-mode=size)  # a fifth of the size
endif()
