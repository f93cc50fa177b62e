#include "inference/packed.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "rounding.h"
#include "runtime/intra_op_pool.h"
#include "system/persistent_memory.h"

namespace resnet {
namespace {

using kernels::Element;
using kernels::kPanel;

/// Writes weight [out, in, kernel, kernel] into panels, each value as `convert(channel, value)`. Consecutive values of
/// a word belong to consecutive input channels.
template <class T, class Convert>
void fill(const PackedParameters& packed, const at::Tensor& weight, int64_t in_channels, const Convert& convert) {
  constexpr auto kPerWord = static_cast<int64_t>(4 / sizeof(T));
  const auto out = weight.size(0);
  const auto in = weight.size(1);
  const auto kernel = weight.dim() == 4 ? weight.size(2) : 1;
  const auto* from = weight.const_data_ptr<float>();
  auto* to = static_cast<char*>(packed.weights.data_ptr());
  // A task is a slice of a panel's input channels, so that a layer of few panels has work for all threads. The weights
  // of a slice are contiguous.
  constexpr int64_t kSlice = 64;
  const auto slices = ceil_div(in, kSlice);
  IntraOpPool::current().run(packed.panels * slices, [&](int64_t task) {
    const auto panel = task / slices;
    const auto first = panel * kPanel;
    const auto last = std::min(out, first + kPanel);
    auto* elements = reinterpret_cast<T*>(to + panel * packed.panel_bytes);
    for (auto c = task % slices * kSlice; c < std::min(in, (task % slices + 1) * kSlice); c++) {
      for (auto channel = first; channel < last; channel++) {
        const float* window = from + (channel * in + c) * kernel * kernel;
        for (int64_t y = 0; y < kernel; y++) {
          for (int64_t x = 0; x < kernel; x++) {
            const auto place = x * in_channels + c;
            const auto word = (y * packed.row_words + place / kPerWord) * kPanel + channel - first;
            elements[word * kPerWord + place % kPerWord] = convert(channel, *window++);
          }
        }
      }
    }
  });
}

/// Quantizes the weights symmetrically to int8, each output channel by its largest magnitude, and adapts scale and bias
/// so that integer sums become numbers.
void fill_quantized(const PackedParameters& packed, const Parameters& parameters, const at::Tensor& weight,
                    int64_t in_channels, QuantParams input) {
  const auto out = weight.size(0);
  const auto window = weight.numel() / out;
  const auto* values = weight.const_data_ptr<float>();
  const auto* norm_scale = parameters.scale.const_data_ptr<double>();
  std::vector<float> inverse(out);
  auto* scale = packed.scale.data_ptr<float>();
  auto* bias = packed.bias.data_ptr<float>();
  const auto element = [&](int64_t channel, float value) {
    const auto scaled = value * inverse[channel];
    if (std::isnan(scaled)) return int8_t{0};  // the weights are so small that their inverse is infinite
    return static_cast<int8_t>(round_half_even(std::clamp(scaled, -127.0F, 127.0F)));
  };
  IntraOpPool::current().run(out, [&](int64_t channel) {
    const float* row = values + channel * window;
    float max = 0;
    for (int64_t i = 0; i < window; i++) max = std::max(max, std::abs(row[i]));
    inverse[channel] = max > 0 ? std::copysign(127 / max, static_cast<float>(norm_scale[channel])) : 0;
    scale[channel] = input.scale * max / 127 * static_cast<float>(std::abs(norm_scale[channel]));
    int64_t sum = 0;
    for (int64_t i = 0; i < window; i++) sum += element(channel, row[i]);
    bias[channel] -= scale[channel] * static_cast<float>(input.zero_point) * static_cast<float>(sum);
  });
  fill<int8_t>(packed, weight, in_channels, element);
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

PackedParameters pack(const Parameters& parameters, Element element, int64_t in_channels, QuantParams input) {
  const auto weight = parameters.weight.to(at::kCPU).contiguous();
  const auto out = weight.size(0);
  const auto kernel = weight.dim() == 4 ? weight.size(2) : 1;
  const auto per_word = 4 / bytes_of(element);

  PackedParameters packed;
  packed.panels = ceil_div(out, kPanel);
  packed.row_words = ceil_div(kernel * in_channels, per_word);
  packed.panel_bytes = kernel * packed.row_words * kPanel * 4;
  packed.weights = allocate_persistent({packed.panels * packed.panel_bytes}, at::kByte);
  const bool has_gaps = out % kPanel != 0 || in_channels != weight.size(1) || kernel * in_channels % per_word != 0;
  if (has_gaps) packed.weights.zero_();
  packed.scale = at::ones({packed.panels * kPanel}, at::kFloat);
  packed.bias = at::zeros({packed.panels * kPanel}, at::kFloat);
  packed.bias.narrow(0, 0, out).copy_(parameters.bias);

  const auto* scale = parameters.scale.const_data_ptr<double>();
  const auto number = [scale](int64_t channel, float value) { return static_cast<float>(value * scale[channel]); };
  switch (element) {
    case Element::kFloat32:
      fill<float>(packed, weight, in_channels, number);
      break;
    case Element::kBFloat16:
      fill<c10::BFloat16>(packed, weight, in_channels, [&](int64_t channel, float value) {
        return static_cast<c10::BFloat16>(number(channel, value));
      });
      break;
    case Element::kUInt8:
      fill_quantized(packed, parameters, weight, in_channels, input);
      break;
  }
  return packed;
}

}  // namespace resnet
