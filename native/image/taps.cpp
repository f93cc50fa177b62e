#include "image/taps.h"

#include <algorithm>
#include <cmath>

#include "image/kernels/kernels.h"
#include "rounding.h"

namespace resnet {
namespace {

using resizing::kPixels;

double triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

/// Cubic convolution (Keys, 1981).
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

/// Weighs the input around an output pixel's center. Shrinking widens the filter, which is what antialiasing means.
class Filter {
 public:
  Filter(const ResizedAxis& axis, Interpolation interpolation)
      : function_(interpolation == Interpolation::kBicubic ? cubic : triangle),
        input_(axis.input),
        output_(axis.output),
        scale_(static_cast<double>(axis.input) / static_cast<double>(axis.output)),
        inverse_(1 / std::max(scale_, 1.0)),
        support_((interpolation == Interpolation::kBicubic ? 2.0 : 1.0) * std::max(scale_, 1.0)) {}

  struct Window {
    int64_t start, size;  ///< input pixels
  };

  [[nodiscard]] Window window(int64_t pixel) const {
    const auto start = std::max<int64_t>(static_cast<int64_t>(center(pixel) - support_ + 0.5), 0);
    const auto end = std::min(static_cast<int64_t>(center(pixel) + support_ + 0.5), input_);
    return {start, std::clamp<int64_t>(end - start, 0, static_cast<int64_t>(std::ceil(support_)) * 2 + 1)};
  }

  /// @returns the weights of a pixel's window, which add up to 1; they last until the next call
  const std::vector<double>& weights(int64_t pixel) {
    const auto [start, size] = window(pixel);
    weights_.resize(size);
    double sum = 0;
    for (int64_t i = 0; i < size; i++) {
      weights_[i] = function_((static_cast<double>(start + i) - center(pixel) + 0.5) * inverse_);
      sum += weights_[i];
    }
    for (auto& weight : weights_) weight /= sum;
    return weights_;
  }

  /// The most bits of fixed point with which the largest weight of all output pixels stays below 2^15.
  int precision() {
    // Enlarging, the first pixel has a weight in [1, 2) and no pixel a larger one. There may be very many of them.
    double largest = 1;
    if (output_ < input_) {
      largest = 0;
      for (int64_t i = 0; i < output_; i++) {
        for (const auto weight : weights(i)) largest = std::max(largest, weight);
      }
    }
    int bits = 0;
    while (bits < 22 && static_cast<int>(0.5 + largest * (1 << (bits + 1))) < 1 << 15) bits++;
    return bits;
  }

 private:
  [[nodiscard]] double center(int64_t pixel) const { return scale_ * (static_cast<double>(pixel) + 0.5); }

  double (*function_)(double);
  int64_t input_, output_;
  double scale_, inverse_, support_;
  std::vector<double> weights_;
};

int16_t fixed_point(double weight, int precision) {
  const double scaled = weight * (1 << precision);
  return static_cast<int16_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

}  // namespace

Taps antialiasing_taps(const ResizedAxis& axis, Interpolation interpolation) {
  Filter filter(axis, interpolation);
  int64_t size = 1;
  for (int64_t i = 0; i < axis.count; i++) size = std::max(size, filter.window(axis.first + i).size);
  size += size % 2;

  const auto padded = round_up(axis.count, kPixels);
  Taps taps{size, filter.precision(), axis.count, std::vector<int64_t>(padded), std::vector<int16_t>(padded * size)};
  for (int64_t i = 0; i < axis.count; i++) {
    const auto start = filter.window(axis.first + i).start;
    taps.starts[i] = std::max<int64_t>(0, std::min(start, axis.input - size));
    auto* fixed = &taps.weights[i * size + start - taps.starts[i]];
    for (const auto weight : filter.weights(axis.first + i)) *fixed++ = fixed_point(weight, taps.precision);
  }
  std::fill(taps.starts.begin() + axis.count, taps.starts.end(), taps.starts[axis.count - 1]);
  return taps;
}

}  // namespace resnet
