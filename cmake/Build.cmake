# Configures and builds in one step: cmake -DBUILD_DIR=... [options] -P cmake/Build.cmake
#   -DTARGET=baichuan    builds that and not everything
#   -DGPUS=ALL           the CUDA kernels of every GPU, where nvcc is found: the default
#   -DGPUS=HERE          the kernels of this machine's GPUs, and those that an earlier build has
#   -DBC_CUDA=ON         fails where nvcc is not found
#   -DSTAMP=file         is removed at the beginning; Stamp.cmake writes it when the rest is built too
#   -DBC_SANITIZE=ON     under AddressSanitizer and UBSan
# Takes Ninja when it is found and CMake's default generator (Makefiles) otherwise.
cmake_minimum_required(VERSION 3.18)
get_filename_component(root ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
set(arguments -S ${root} -B ${BUILD_DIR})
# One build at a time: the baichuan script and Maven build the same folder.
file(LOCK ${BUILD_DIR}.lock GUARD PROCESS)
if(STAMP)
  file(REMOVE ${STAMP})
  # This happens before a source is read, so that what changes from now on is built next time. The mark
  # does not lie beside the stamp, because mvn clean removes that folder later than this.
  file(MAKE_DIRECTORY ${root}/native/target)
  file(TOUCH ${root}/native/target/build.began)
endif()
# CMake refuses a cache that was made in another folder, as after the checkout was moved.
set(cache ${BUILD_DIR}/CMakeCache.txt)
if(EXISTS ${cache})
  file(STRINGS ${cache} home REGEX "^CMAKE_HOME_DIRECTORY:")
  if(NOT home STREQUAL "CMAKE_HOME_DIRECTORY:INTERNAL=${root}")
    file(REMOVE_RECURSE ${BUILD_DIR})
  endif()
endif()

if(BC_SANITIZE)
  list(APPEND arguments -DBC_SANITIZE=ON)
elseif(GPUS STREQUAL "HERE")
  include(${CMAKE_CURRENT_LIST_DIR}/Gpus.cmake)
  set(before NONE)
  if(EXISTS ${cache})
    file(STRINGS ${cache} before REGEX "^BC_GPUS:")
    string(REGEX REPLACE ".*=" "" before "${before}")
  endif()
  bc_gpus_here(gpus "${before}")
  find_program(NVCC NAMES $ENV{CUDACXX} nvcc)
  if(gpus STREQUAL "NONE" AND NVCC)
    message(STATUS "note: no NVIDIA GPU is here, so the CUDA kernels are left out; ./baichuan --cuda builds them")
  elseif(NOT gpus STREQUAL "NONE" AND NOT NVCC)
    message(STATUS "note: an NVIDIA GPU is here, but nvcc is not: models run on the processor. With nvcc 12 or later in PATH, ./baichuan --cuda builds the CUDA kernels")
  elseif(NOT gpus MATCHES "NONE|ALL")
    message(STATUS "note: the CUDA kernels are for compute capability ${gpus}; ./baichuan --cuda builds those of every GPU")
  endif()
  list(APPEND arguments -DBC_GPUS=${gpus})
else()
  list(APPEND arguments -DBC_GPUS=ALL)
endif()
if(BC_CUDA)
  list(APPEND arguments -DBC_CUDA=${BC_CUDA})
endif()

find_program(NINJA NAMES ninja ninja-build)
if(NINJA AND NOT EXISTS ${cache})
  list(APPEND arguments -G Ninja -DCMAKE_MAKE_PROGRAM=${NINJA})
endif()
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)

execute_process(COMMAND ${CMAKE_COMMAND} ${arguments} RESULT_VARIABLE failed)
if(NOT failed)
  if(NOT TARGET)
    set(TARGET all)
  endif()
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD_DIR} --parallel ${cores} --target ${TARGET}
    RESULT_VARIABLE failed)
endif()
if(failed)
  message(FATAL_ERROR "The native build failed: ${failed}")
endif()
