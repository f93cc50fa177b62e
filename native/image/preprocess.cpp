#include "image/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "error.h"
#include "image/resize.h"

namespace resnet {
namespace {

/// 3 GiB. Without a limit, a picture one pixel high would be resized to an enormous width. lib/image stays far below.
constexpr int64_t kMaxPixels = int64_t{1} << 30;

/// Python's round(): to the nearest, halves to the even number.
int64_t round_half_even(double value) { return static_cast<int64_t>(std::nearbyint(value)); }

/// The center of one dimension: what the crop keeps of the resized picture, and where that lies in the crop.
struct Window {
  Window(int64_t input, int64_t resized, int64_t crop)
      : axis{input, resized, 0, std::min(resized, crop)}, padding(std::max<int64_t>(0, crop - resized) / 2) {
    if (resized > crop) axis.first = round_half_even(static_cast<double>(resized - crop) / 2);
  }
  ResizedAxis axis;
  int64_t padding;  ///< black before it
};

/// @param output uint8 [crop, crop, 3]
void resize_and_crop(const at::Tensor& picture, const Preprocess& preprocess, uint8_t* output) {
  const auto height = picture.size(0), width = picture.size(1);
  const auto shorter = std::min(height, width);
  // The longer side is rounded down, as by torchvision.
  const auto resized_height = preprocess.resize * height / shorter;
  const auto resized_width = preprocess.resize * width / shorter;
  if (resized_height > kMaxPixels / resized_width) {
    throw Error("ERR_IMAGE", "A picture of " + std::to_string(width) + " x " + std::to_string(height) +
                                 " has more than 2^30 pixels when its shorter side is resized to " +
                                 std::to_string(preprocess.resize) + ".");
  }
  const Window rows(height, resized_height, preprocess.crop);
  const Window columns(width, resized_width, preprocess.crop);
  const auto row_bytes = 3 * preprocess.crop;
  if (std::min(resized_height, resized_width) < preprocess.crop) std::fill_n(output, row_bytes * preprocess.crop, 0);
  resize({picture.const_data_ptr<uint8_t>(), height, width}, antialiasing_taps(rows.axis, preprocess.interpolation),
         antialiasing_taps(columns.axis, preprocess.interpolation),
         output + rows.padding * row_bytes + 3 * columns.padding, row_bytes);
}

}  // namespace

at::Tensor resize_and_crop(const std::vector<at::Tensor>& pictures, const Preprocess& preprocess) {
  const c10::InferenceMode inference;
  auto batch = at::empty({static_cast<int64_t>(pictures.size()), preprocess.crop, preprocess.crop, 3}, at::kByte);
  auto* output = batch.mutable_data_ptr<uint8_t>();
  for (const auto& picture : pictures) {
    resize_and_crop(picture.contiguous(), preprocess, output);
    output += 3 * preprocess.crop * preprocess.crop;
  }
  return batch;
}

}  // namespace resnet
