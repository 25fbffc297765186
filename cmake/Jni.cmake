# The JNI library: the C++ that JavaCPP generated from baichuan.h (jni-gen/src/gen/cpp). It finds
# libbaichuan in its own folder.
option(BC_JNI "Build the JNI library, which needs the jni.h of a JDK" ON)
if(BC_SANITIZE OR NOT BC_JNI)
  return()
endif()

# The header of JAVA_HOME, or of the javac in PATH. It is looked for each time, because a JDK may have moved.
unset(BC_JAVAC CACHE)
unset(BC_JNI_H CACHE)
find_program(BC_JAVAC javac HINTS ENV JAVA_HOME PATH_SUFFIXES bin)
get_filename_component(jdk "${BC_JAVAC}" REALPATH)
get_filename_component(jdk "${jdk}/../.." ABSOLUTE)
find_path(BC_JNI_H jni.h HINTS ENV JAVA_HOME ${jdk} PATH_SUFFIXES include)
if(NOT BC_JNI_H)
  message(FATAL_ERROR "jni.h was not found: install a JDK and set JAVA_HOME, or leave the JNI library out by -DBC_JNI=OFF")
endif()

set(generated jni-gen/src/gen/cpp)
add_library(jnibaichuan SHARED ${generated}/jnibaichuan.cpp ${generated}/jnijavacpp.cpp)
# jni_md.h lies in a folder named after the system.
target_include_directories(jnibaichuan PRIVATE ${BC_JNI_H} ${BC_JNI_H}/linux ${BC_JNI_H}/darwin)
target_compile_options(jnibaichuan PRIVATE -w)  # nobody edits generated code
target_link_libraries(jnibaichuan PRIVATE baichuan)
target_link_options(jnibaichuan PRIVATE ${BC_SHARED_LINK_OPTIONS})
set_target_properties(jnibaichuan PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
