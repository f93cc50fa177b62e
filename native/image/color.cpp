#include "image/color.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace resnet {
namespace {

/// A channel's new value for each old one.
using Table = std::array<uint8_t, 256>;

void apply(const RgbPixels& pixels, const std::array<Table, 3>& tables) {
  for (int64_t i = 0; i < pixels.bytes(); i += 3) {
    for (int channel = 0; channel < 3; channel++) {
      pixels.data[i + channel] = tables[channel][pixels.data[i + channel]];
    }
  }
}

/// @param value (int) -> uint8_t, for 0 to 255
template <class Value>
Table table_of(const Value& value) {
  Table table{};
  for (int i = 0; i < 256; i++) table[i] = value(i);
  return table;
}

template <class Value>
void apply_to_all(const RgbPixels& pixels, const Value& value) {
  const auto table = table_of(value);
  apply(pixels, {table, table, table});
}

/// Clamped and rounded toward 0, as libtorch converts to uint8.
uint8_t to_byte(float value) { return static_cast<uint8_t>(std::clamp(value, 0.0F, 255.0F)); }

/// a * b + c, rounded once: at::add with an alpha.
float multiply_add(float a, float b, float c) {
  return static_cast<float>(static_cast<double>(a) * static_cast<double>(b) + static_cast<double>(c));
}

/// rgb_to_grayscale, rounded down.
uint8_t gray_of(const uint8_t* pixel) {
  const auto red_green = multiply_add(pixel[1], 0.587F, static_cast<float>(pixel[0]) * 0.2989F);
  return static_cast<uint8_t>(multiply_add(pixel[2], 0.114F, red_green));
}

struct Blend {
  explicit Blend(double ratio) : first(static_cast<float>(ratio)), second(static_cast<float>(1 - ratio)) {}
  [[nodiscard]] uint8_t operator()(uint8_t a, float b) const {
    return to_byte(multiply_add(b, second, static_cast<float>(a) * first));
  }
  float first, second;
};

/// A pixel with `shift` added to its hue, through HSV as in Pillow, in the order of torchvision's operations.
void shift_hue(uint8_t* pixel, float shift) {
  constexpr auto kToUnit = static_cast<float>(1.0 / 255);
  const std::array<float, 3> rgb{static_cast<float>(pixel[0]) * kToUnit, static_cast<float>(pixel[1]) * kToUnit,
                                 static_cast<float>(pixel[2]) * kToUnit};
  const auto max = std::max({rgb[0], rgb[1], rgb[2]});
  const auto min = std::min({rgb[0], rgb[1], rgb[2]});
  const auto range = max - min;
  const auto saturation = max == min ? 0.0F : range / max;
  const auto divisor = max == min ? 1.0F : range;
  const auto red = (max - rgb[0]) / divisor;
  const auto green = (max - rgb[1]) / divisor;
  const auto blue = (max - rgb[2]) / divisor;
  auto hue = max == rgb[0] ? blue - green : max == rgb[1] ? red + 2 - blue : green + 4 - red;
  hue = std::fmod(hue * static_cast<float>(1.0 / 6) + 1, 1.0F);

  hue = std::fmod(hue + shift, 1.0F);
  if (hue < 0) hue += 1;

  const auto sixths = hue * 6;
  const auto sextant = std::floor(sixths);
  const auto falling = saturation * (sixths - sextant);
  const auto rest = 1 - saturation;
  const auto unit = [](float value) { return std::clamp(value, 0.0F, 1.0F); };
  const std::array<float, 4> values{max, unit(rest * max), unit((1 - falling) * max), unit((falling + rest) * max)};
  constexpr std::array<std::array<uint8_t, 6>, 3> kValueOf{
      {{0, 2, 1, 1, 3, 0}, {3, 0, 0, 2, 1, 1}, {1, 1, 3, 0, 0, 2}}};
  for (int channel = 0; channel < 3; channel++) {
    const auto value = values[kValueOf[channel][static_cast<int>(sextant) % 6]];
    pixel[channel] = static_cast<uint8_t>(value * 255.999F);
  }
}

using Histogram = std::array<int64_t, 256>;

Histogram histogram_of(const RgbPixels& pixels, int channel) {
  Histogram counts{};
  for (int64_t i = channel; i < pixels.bytes(); i += 3) counts[pixels.data[i]]++;
  return counts;
}

Table equalizing(const Histogram& counts, int64_t pixels) {
  const auto last = std::find_if(counts.rbegin(), counts.rend(), [](int64_t count) { return count > 0; });
  const auto step = (pixels - *last) / 255;
  int64_t sum = step / 2;
  return table_of([&](int value) -> uint8_t {
    if (step == 0) return static_cast<uint8_t>(value);
    const auto level = std::min<int64_t>(sum / step, 255);
    sum += counts[value];
    return static_cast<uint8_t>(level);
  });
}

}  // namespace

void adjust_brightness(const RgbPixels& pixels, double factor) {
  apply_to_all(pixels,
               [ratio = static_cast<float>(factor)](int value) { return to_byte(static_cast<float>(value) * ratio); });
}

void adjust_contrast(const RgbPixels& pixels, double factor) {
  int64_t sum = 0;
  for (int64_t i = 0; i < pixels.bytes(); i += 3) sum += gray_of(pixels.data + i);
  const auto mean = static_cast<float>(static_cast<double>(sum) / static_cast<double>(pixels.height * pixels.width));
  apply_to_all(pixels, [blend = Blend(factor), mean](int value) { return blend(static_cast<uint8_t>(value), mean); });
}

void adjust_saturation(const RgbPixels& pixels, double factor) {
  const Blend blend(factor);
  for (int64_t i = 0; i < pixels.bytes(); i += 3) {
    const auto gray = gray_of(pixels.data + i);
    for (int64_t channel = i; channel < i + 3; channel++) pixels.data[channel] = blend(pixels.data[channel], gray);
  }
}

void adjust_hue(const RgbPixels& pixels, double shift) {
  for (int64_t i = 0; i < pixels.bytes(); i += 3) shift_hue(pixels.data + i, static_cast<float>(shift));
}

void adjust_sharpness(const RgbPixels& pixels, double factor) {
  if (pixels.height <= 2 || pixels.width <= 2) return;
  const auto row_bytes = 3 * pixels.width;
  const auto change = static_cast<float>(1 - factor);
  const std::vector<uint8_t> original(pixels.data, pixels.data + pixels.bytes());
  for (int64_t y = 1; y < pixels.height - 1; y++) {
    for (int64_t i = y * row_bytes + 3; i < (y + 1) * row_bytes - 3; i++) {
      int sum = 4 * original[i];
      for (const auto row : {i - row_bytes, i, i + row_bytes}) {
        sum += original[row - 3] + original[row] + original[row + 3];
      }
      const auto blurred = (2 * sum + 13) / 26;  // sum / 13 to the nearest; there are no ties
      pixels.data[i] = to_byte(multiply_add(static_cast<float>(blurred - original[i]), change, original[i]));
    }
  }
}

void posterize(const RgbPixels& pixels, int bits) {
  apply_to_all(pixels, [mask = 0xFF00 >> bits](int value) { return static_cast<uint8_t>(value & mask); });
}

void solarize(const RgbPixels& pixels, double threshold) {
  apply_to_all(pixels, [limit = static_cast<float>(threshold)](int value) {
    return static_cast<uint8_t>(static_cast<float>(value) >= limit ? 255 - value : value);
  });
}

void autocontrast(const RgbPixels& pixels) {
  std::array<Table, 3> tables{};
  for (int channel = 0; channel < 3; channel++) {
    uint8_t min = 255, max = 0;
    for (int64_t i = channel; i < pixels.bytes(); i += 3) {
      min = std::min(min, pixels.data[i]);
      max = std::max(max, pixels.data[i]);
    }
    const auto first = min == max ? uint8_t{0} : min;
    const auto scale = min == max ? 1.0F : static_cast<float>(max - min) * static_cast<float>(1.0 / 255);
    tables[channel] = table_of([&](int value) { return to_byte(static_cast<float>(value - first) / scale); });
  }
  apply(pixels, tables);
}

void equalize(const RgbPixels& pixels) {
  std::array<Table, 3> tables{};
  for (int channel = 0; channel < 3; channel++) {
    tables[channel] = equalizing(histogram_of(pixels, channel), pixels.height * pixels.width);
  }
  apply(pixels, tables);
}

}  // namespace resnet
