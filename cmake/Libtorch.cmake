# Imported targets for the libtorch found by scripts/ (LIBTORCH_DIR: the folder with include/ and lib/).
#
# find_package(Torch) is of no use here: the official build was made with CUDA and its package file stops
# where the CUDA toolkit is missing. Linking torch_cpu and c10 alone is enough; the CUDA part is loaded at
# run time (native/runtime/device.cpp), so that one addon serves both variants.

if(NOT EXISTS "${LIBTORCH_DIR}/include/ATen/ATen.h")
  message(FATAL_ERROR
    "LIBTORCH_DIR='${LIBTORCH_DIR}' has no include/ATen/ATen.h. Build with 'npm run build:native', "
    "which finds or fetches libtorch and passes its folder.")
endif()

foreach(name c10 torch_cpu)
  add_library(${name} SHARED IMPORTED)
  set_target_properties(${name} PROPERTIES
    IMPORTED_LOCATION "${LIBTORCH_DIR}/lib/${CMAKE_SHARED_LIBRARY_PREFIX}${name}${CMAKE_SHARED_LIBRARY_SUFFIX}")
  target_include_directories(${name} SYSTEM INTERFACE
    "${LIBTORCH_DIR}/include" "${LIBTORCH_DIR}/include/torch/csrc/api/include")
endforeach()

add_library(libtorch INTERFACE)
target_link_libraries(libtorch INTERFACE torch_cpu c10)

if(UNIX AND NOT APPLE)
  # torch_cpu needs libcudart and libcupti, which NVIDIA's wheels put beside it; its own RPATH finds them at
  # run time, the linker has to be told.
  target_link_options(libtorch INTERFACE
    "LINKER:--no-as-needed"
    "LINKER:-rpath-link,${LIBTORCH_DIR}/lib"
    "LINKER:-rpath-link,${LIBTORCH_DIR}/../nvidia/cu13/lib"
    "LINKER:-rpath-link,${LIBTORCH_DIR}/../../nvidia/cu13/lib")
endif()
