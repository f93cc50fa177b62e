#include "image/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "error.h"

namespace resnet {
namespace {

/// 3 GiB: a picture of one pixel's height becomes a great many of them. lib/image asks for far fewer.
constexpr int64_t kMaxPixels = int64_t{1} << 30;

/// Python's round(): to the nearest, halves to the even number.
int64_t round_half_even(double value) { return static_cast<int64_t>(std::nearbyint(value)); }

/// [H, W, 3] -> [3, H', W'] with the shorter side `length` long and the longer one rounded down, as torchvision.
at::Tensor resize_shorter_side(const at::Tensor& picture, int64_t length, Interpolation interpolation) {
  const auto height = picture.size(0);
  const auto width = picture.size(1);
  const auto shorter = std::min(height, width);
  const std::array<int64_t, 2> size{length * height / shorter, length * width / shorter};
  if (size[0] > kMaxPixels / size[1]) {
    throw Error("ERR_IMAGE", "A picture of " + std::to_string(width) + " x " + std::to_string(height) +
                                 " has more than 2^30 pixels when its shorter side is resized to " +
                                 std::to_string(length) + ".");
  }
  // As a view this is channels-last, the layout that the 8-bit kernel is made for.
  const auto planes = picture.permute({2, 0, 1}).unsqueeze(0);
  if (size[0] == height && size[1] == width) return planes.squeeze(0);  // both filters leave it as it is
  // Antialiased, libtorch's cubic has Pillow's a, -0.5, and not the -0.75 that it has otherwise.
  const bool cubic = interpolation == Interpolation::kBicubic;
  const auto resized = cubic ? at::_upsample_bicubic2d_aa(planes, size, /*align_corners=*/false)
                             : at::_upsample_bilinear2d_aa(planes, size, /*align_corners=*/false);
  return resized.squeeze(0);
}

/// The part of one dimension that the crop keeps, and what has to be added before and after it.
struct Window {
  Window(int64_t length, int64_t crop) {
    const auto missing = std::max<int64_t>(0, crop - length);
    before = missing / 2;
    after = missing - before;
    start = round_half_even(static_cast<double>(length + missing - crop) / 2);
  }
  int64_t before, after, start;
};

at::Tensor crop_center(const at::Tensor& planes, int64_t crop) {
  const Window rows(planes.size(1), crop);
  const Window columns(planes.size(2), crop);
  return at::constant_pad_nd(planes, {columns.before, columns.after, rows.before, rows.after})
      .narrow(1, rows.start, crop)
      .narrow(2, columns.start, crop);
}

}  // namespace

at::Tensor resize_and_crop(const std::vector<at::Tensor>& pictures, const Preprocess& preprocess) {
  const c10::InferenceMode inference;
  auto batch = at::empty({static_cast<int64_t>(pictures.size()), preprocess.crop, preprocess.crop, 3}, at::kByte);
  for (std::size_t i = 0; i < pictures.size(); i++) {
    const auto resized = resize_shorter_side(pictures[i], preprocess.resize, preprocess.interpolation);
    batch[static_cast<int64_t>(i)].copy_(crop_center(resized, preprocess.crop).permute({1, 2, 0}));
  }
  return batch;
}

}  // namespace resnet
