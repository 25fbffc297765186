# Runs the tests of a build folder, as many at a time as there are cores: cmake -DBUILD_DIR=... -P cmake/Test.cmake
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
execute_process(COMMAND ${CMAKE_CTEST_COMMAND} --output-on-failure --parallel ${cores}
  WORKING_DIRECTORY ${BUILD_DIR} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "Native tests failed: ${failed}")
endif()
