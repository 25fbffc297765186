# Tells the baichuan script that everything is built: cmake -DSTAMP=file -P cmake/Stamp.cmake
# Build.cmake has made the mark in the same run of Maven; if it did not run, there is nothing to tell.
get_filename_component(root ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
set(began ${root}/native/target/build.began)
if(EXISTS ${began})
  file(RENAME ${began} ${STAMP})  # it keeps the time when the build began
endif()
