#include "runtime/input.h"

#include "error.h"

namespace resnet {

std::string text_of(const std::vector<int64_t>& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); i++) out += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return out + "]";
}

bool is_shape(const std::vector<int64_t>& shape, std::size_t dimensions) {
  if (shape.size() != dimensions) return false;
  int64_t elements = 1;
  for (const auto dimension : shape) {
    if (dimension <= 0 || dimension > kMaxElements || elements > kMaxElements / dimension) return false;
    elements *= dimension;
  }
  return true;
}

void check_input(const std::vector<int64_t>& shape, int64_t channels) {
  if (is_shape(shape, 4) && shape[1] == channels) return;
  throw Error("ERR_SHAPE", "x must have the shape [N, " + std::to_string(channels) +
                               ", H, W] with positive N, H and W, but got " + text_of(shape) + ".");
}

void check_pictures(const std::vector<int64_t>& shape) {
  if (is_shape(shape, 4) && shape[3] == 3) return;
  throw Error("ERR_SHAPE", "x, as uint8 pictures, must have the shape [N, H, W, 3] with positive N, H and W, but got " +
                               text_of(shape) + ".");
}

}  // namespace resnet
