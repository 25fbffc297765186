# Sets the instruction set of a file by the end of its name. All other files are baseline x86-64; the code
# that the processor can run is chosen at run time. On other architectures the #if guards of these files
# leave them empty. They hold no inline function that other files share, because the linker might keep the
# wrong copy.
set(BC_AVX2 -mavx2 -mfma -mf16c)
set(BC_AVX2VNNI ${BC_AVX2} -mavxvnni)
set(BC_AVX512 ${BC_AVX2} -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms inside avx512fintrin.h of GCC 12 (GCC bug 105593).
  list(APPEND BC_AVX512 -Wno-uninitialized -Wno-maybe-uninitialized)
endif()
set(BC_AVX512BF16 ${BC_AVX512} -mavx512bf16)

function(bc_instruction_sets)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    return()
  endif()
  foreach(source ${ARGN})
    if(source MATCHES "_(avx[0-9a-z]+)\\.cpp$")
      string(TOUPPER ${CMAKE_MATCH_1} set)
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${BC_${set}}")
    endif()
  endforeach()
endfunction()
