#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

namespace resnet {

/// Where a tensor's values lie in a file: little-endian, row-major.
struct Extent {
  at::Tensor destination;
  at::ScalarType dtype;  ///< of the values in the file
  int64_t offset;        ///< bytes from the start of the file
};

/// Fills each destination from the file, straight into its memory where dtype and device allow, through a small
/// buffer otherwise. Never holds the file as a whole, and maps nothing: a mapped file that shrinks is a crash.
///
/// @throws Error ERR_FILE where the file cannot be read, ERR_WEIGHTS_FORMAT where it ends early
void read_state(const std::string& path, const std::vector<Extent>& extents);

}  // namespace resnet
