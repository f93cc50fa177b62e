#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

namespace resnet {

/// The values of one tensor in a file: little-endian, row-major, contiguous.
struct Extent {
  at::Tensor destination;
  at::ScalarType dtype;  ///< of the values in the file
  int64_t offset;        ///< bytes from the start of the file
};

/// Fills each destination from the file: directly into its memory where dtype and device allow that, otherwise through
/// a small buffer. The file is neither read as a whole nor mapped, since a mapped file that is truncated ends the
/// process.
///
/// @throws Error ERR_FILE if the file cannot be read, ERR_WEIGHTS_FORMAT if it ends too early
void read_state(const std::string& path, const std::vector<Extent>& extents);

}  // namespace resnet
