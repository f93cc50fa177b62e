#include "image/geometry.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace resnet {
namespace {

struct Point {
  double x, y;
};

/// Where in the picture a pixel of the result comes from, around the picture's center: rows for x and y, each of
/// factors of x and y and a constant.
using InverseMatrix = std::array<double, 6>;

/// torchvision's _get_inverse_affine_matrix without translation and scale, with its order of operations.
/// @param shear in radians
InverseMatrix inverse_affine(const Point& center, double radians, const Point& shear) {
  const auto tan_x = std::tan(shear.x);
  const auto a = std::cos(radians - shear.y) / std::cos(shear.y);
  const auto b = -(a * tan_x + std::sin(radians));
  const auto c = std::sin(radians - shear.y) / std::cos(shear.y);
  const auto d = std::cos(radians) - c * tan_x;
  return {d, -b, center.x - d * center.x + b * center.y, -c, a, center.y + c * center.x - a * center.y};
}

/// torchvision's _affine_grid and libtorch's grid_sampler_2d, nearest with zeros beyond the border. Computed in
/// float32 as there, so that ties fall to the same pixels.
void transform(const RgbPixels& pixels, const InverseMatrix& matrix) {
  const auto width = static_cast<float>(pixels.width), height = static_cast<float>(pixels.height);
  std::array<float, 6> theta{};
  for (int i = 0; i < 6; i++) theta[i] = static_cast<float>(matrix[i]) / (0.5F * (i < 3 ? width : height));

  const std::vector<uint8_t> original(pixels.data, pixels.data + pixels.bytes());
  auto* output = pixels.data;
  for (int64_t row = 0; row < pixels.height; row++) {
    const auto y = static_cast<float>(row) - (height - 1) * 0.5F;
    for (int64_t column = 0; column < pixels.width; column++, output += 3) {
      const auto x = static_cast<float>(column) - (width - 1) * 0.5F;
      const auto source = [&](const float* factors, float length) {
        const auto unit = (x * factors[0] + y * factors[1]) + factors[2];
        return std::nearbyint((unit + 1) * (length * 0.5F) - 0.5F);
      };
      const auto source_x = source(&theta[0], width), source_y = source(&theta[3], height);
      if (source_x >= 0 && source_x < width && source_y >= 0 && source_y < height) {
        const auto pixel = static_cast<int64_t>(source_y) * pixels.width + static_cast<int64_t>(source_x);
        std::copy_n(&original[3 * pixel], 3, output);
      } else {
        std::fill_n(output, 3, uint8_t{0});
      }
    }
  }
}

void swap_pixels(uint8_t* a, uint8_t* b) { std::swap_ranges(a, a + 3, b); }

void rotate_half(const RgbPixels& pixels) {
  for (auto *first = pixels.data, *last = first + pixels.bytes() - 3; first < last; first += 3, last -= 3) {
    swap_pixels(first, last);
  }
}

/// Of a square.
void transpose(const RgbPixels& pixels) {
  for (int64_t y = 0; y < pixels.height; y++) {
    for (int64_t x = 0; x < y; x++) {
      swap_pixels(pixels.data + 3 * (y * pixels.width + x), pixels.data + 3 * (x * pixels.width + y));
    }
  }
}

}  // namespace

void flip_horizontally(const RgbPixels& pixels) {
  const auto row_bytes = 3 * pixels.width;
  for (auto* row = pixels.data; row < pixels.data + pixels.bytes(); row += row_bytes) {
    for (auto *left = row, *right = row + row_bytes - 3; left < right; left += 3, right -= 3) swap_pixels(left, right);
  }
}

void rotate(const RgbPixels& pixels, double degrees) {
  auto angle = std::fmod(degrees, 360);
  if (angle < 0) angle += 360;
  if (angle == 0) return;
  if (angle == 180) return rotate_half(pixels);
  if (pixels.height == pixels.width && (angle == 90 || angle == 270)) {
    // A quarter counterclockwise is a mirror image, transposed.
    if (angle == 90) flip_horizontally(pixels);
    transpose(pixels);
    if (angle == 270) flip_horizontally(pixels);
    return;
  }
  transform(pixels, inverse_affine({0, 0}, -angle * (std::numbers::pi / 180), {0, 0}));
}

void shear_x(const RgbPixels& pixels, double slope) {
  const Point corner{-0.5 * static_cast<double>(pixels.width), -0.5 * static_cast<double>(pixels.height)};
  transform(pixels, inverse_affine(corner, 0, {std::atan(slope), 0}));
}

void shear_y(const RgbPixels& pixels, double slope) {
  const Point corner{-0.5 * static_cast<double>(pixels.width), -0.5 * static_cast<double>(pixels.height)};
  transform(pixels, inverse_affine(corner, 0, {0, std::atan(slope)}));
}

void translate(const RgbPixels& pixels, int64_t right, int64_t down) {
  transform(pixels, {1, 0, -static_cast<double>(right), 0, 1, -static_cast<double>(down)});
}

void erase(const RgbPixels& pixels, const Box& box, const std::array<uint8_t, 3>& color) {
  for (int64_t y = box.top; y < box.top + box.height; y++) {
    auto* pixel = pixels.data + 3 * (y * pixels.width + box.left);
    for (int64_t x = 0; x < box.width; x++, pixel += 3) std::copy(color.begin(), color.end(), pixel);
  }
}

}  // namespace resnet
