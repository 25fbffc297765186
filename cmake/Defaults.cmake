# Language, warnings, visibility, sanitizers and link options of everything that is built here.
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release or RelWithDebInfo" FORCE)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Werror;-fno-math-errno>")
# Without this option the compiler fuses a multiply and an add into one rounding where it sees fit, and
# the same formula gives other bits in another inlining context. Kernels call fma where they want it.
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>)

if(BC_SANITIZE)
  # -O1: the kernels take minutes to compile with -O3 and checks.
  add_compile_options(-O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=address,undefined)
  # What is slow then and shows the sanitizers nothing new is left out (tests/check.h).
  add_compile_definitions(BC_SANITIZED)
elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  # The C++ runtime comes along, so that the library loads where another or none is installed.
  set(BC_SHARED_LINK_OPTIONS -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL
    -Wl,--no-undefined -Wl,-z,relro,-z,now)
endif()
