#include "inference/packed.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace resnet {
namespace {

using kernels::Element;
using kernels::kPanel;

int64_t rounded_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

/// The weight of one output channel as elements, and what turns a sum of products back into a number.
struct Channel {
  float scale = 1;
  int64_t sum = 0;  ///< of the elements
};

int8_t quantised(float value, float inverse) {
  return static_cast<int8_t>(std::clamp(std::nearbyint(value * inverse), -127.0F, 127.0F));
}

float largest(const float* values, int64_t count) {
  float most = 0;
  for (int64_t i = 0; i < count; i++) most = std::max(most, std::abs(values[i]));
  return most;
}

}  // namespace

int64_t bytes_of(Element element) {
  switch (element) {
    case Element::kFloat32:
      return 4;
    case Element::kBFloat16:
      return 2;
    case Element::kUInt8:
      return 1;
  }
  return 0;
}

Packed pack(const Folded& folded, Element element, int64_t in_channels, Quantised input) {
  const auto out = folded.weight.size(0);
  const auto in = folded.weight.size(1);
  const auto kernel = folded.weight.dim() == 4 ? folded.weight.size(2) : 1;
  const auto size = bytes_of(element);
  const auto per_word = 4 / size;

  Packed packed;
  packed.panels = rounded_up(out, kPanel) / kPanel;
  packed.row_words = rounded_up(kernel * in_channels, per_word) / per_word;
  packed.panel_bytes = kernel * packed.row_words * kPanel * 4;
  packed.weights = at::zeros({packed.panels * packed.panel_bytes}, at::kByte);
  packed.scale = at::ones({packed.panels * kPanel}, at::kFloat);
  packed.bias = at::zeros({packed.panels * kPanel}, at::kFloat);

  const auto* weight = folded.weight.const_data_ptr<float>();
  auto* bytes = static_cast<char*>(packed.weights.data_ptr());
  auto* scale = packed.scale.data_ptr<float>();
  auto* bias = packed.bias.data_ptr<float>();
  const auto window = in * kernel * kernel;

  at::parallel_for(0, out, 8, [&](int64_t begin, int64_t end) {
    for (int64_t channel = begin; channel < end; channel++) {
      const float* source = weight + channel * window;
      const float most = element == Element::kUInt8 ? largest(source, window) : 0;
      const float inverse = most > 0 ? 127 / most : 0;
      int64_t sum = 0;
      char* panel = bytes + channel / kPanel * packed.panel_bytes;
      for (int64_t y = 0; y < kernel; y++) {
        for (int64_t x = 0; x < kernel; x++) {
          for (int64_t c = 0; c < in; c++) {
            const auto at_row = x * in_channels + c;
            const auto word = (y * packed.row_words + at_row / per_word) * kPanel + channel % kPanel;
            char* to = panel + word * 4 + at_row % per_word * size;
            const float value = source[(c * kernel + y) * kernel + x];
            switch (element) {
              case Element::kFloat32:
                *reinterpret_cast<float*>(to) = value;
                break;
              case Element::kBFloat16:
                *reinterpret_cast<c10::BFloat16*>(to) = static_cast<c10::BFloat16>(value);
                break;
              case Element::kUInt8:
                sum += *reinterpret_cast<int8_t*>(to) = quantised(value, inverse);
                break;
            }
          }
        }
      }
      bias[channel] = folded.bias.const_data_ptr<float>()[channel];
      if (element != Element::kUInt8) continue;
      scale[channel] = input.scale * most / 127;
      bias[channel] -= scale[channel] * static_cast<float>(input.zero) * static_cast<float>(sum);
    }
  });
  return packed;
}

}  // namespace resnet
