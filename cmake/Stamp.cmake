# Tells the baichuan script that everything is built: cmake -DSTAMP=file -P cmake/Stamp.cmake
# Build.cmake began it in the same run of Maven; where it did not run, nothing is told.
get_filename_component(root ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
set(began ${root}/native/target/build.began)
if(EXISTS ${began})
  file(RENAME ${began} ${STAMP})  # it keeps the time of the beginning
endif()
