# Configures and builds in one step: cmake -DBUILD_DIR=... [-DBC_SANITIZE=ON] -P cmake/Build.cmake
# Takes Ninja when it is found and CMake's default generator (Makefiles) otherwise.
get_filename_component(root ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
set(arguments -S ${root} -B ${BUILD_DIR})
if(DEFINED BC_SANITIZE)
  list(APPEND arguments -DBC_SANITIZE=${BC_SANITIZE})
endif()
# CMake refuses a cache of another folder: the checkout was moved.
set(cache ${BUILD_DIR}/CMakeCache.txt)
if(EXISTS ${cache})
  file(STRINGS ${cache} home REGEX "^CMAKE_HOME_DIRECTORY:")
  if(NOT home STREQUAL "CMAKE_HOME_DIRECTORY:INTERNAL=${root}")
    file(REMOVE_RECURSE ${BUILD_DIR})
  endif()
endif()
find_program(NINJA NAMES ninja ninja-build)
if(NINJA AND NOT EXISTS ${cache})
  list(APPEND arguments -G Ninja -DCMAKE_MAKE_PROGRAM=${NINJA})
endif()
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)

execute_process(COMMAND ${CMAKE_COMMAND} ${arguments} RESULT_VARIABLE failed)
if(NOT failed)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${BUILD_DIR} --parallel ${cores}
    RESULT_VARIABLE failed)
endif()
if(failed)
  message(FATAL_ERROR "The native build failed: ${failed}")
endif()
