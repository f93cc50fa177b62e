#include "inference/ingest.h"

#include <algorithm>
#include <bit>

#include "rounding.h"

namespace resnet {
namespace {

using kernels::Element;

uint8_t quantize(float value, QuantParams quant_params) {
  const auto element = value / quant_params.scale + static_cast<float>(quant_params.zero_point);
  // NaN becomes 0 in this order of arguments: max returns the first one unless the second is larger.
  return static_cast<uint8_t>(round_half_even(std::min(std::max(0.0F, element), 255.0F)));
}

uint32_t element_of(float value, Element element, QuantParams quant_params) {
  switch (element) {
    case Element::kFloat32:
      return std::bit_cast<uint32_t>(value);
    case Element::kBFloat16:
      return static_cast<c10::BFloat16>(value).x;
    case Element::kUInt8:
      return quantize(value, quant_params);
  }
  return 0;
}

/// Converts a row of bytes by table.
template <class T>
void look_up(const std::array<std::array<uint32_t, 256>, 3>& table, const uint8_t* row, int64_t width, int64_t channels,
             T zero, char* output) {
  auto* elements = reinterpret_cast<T*>(output);
  for (int64_t x = 0; x < width; x++, elements += channels) {
    for (int64_t c = 0; c < 3; c++) elements[c] = table[c][row[3 * x + c]];
    for (int64_t c = 3; c < channels; c++) elements[c] = zero;
  }
}

}  // namespace

Ingest::Ingest(const kernels::Kernels& kernels, QuantParams quant_params, const Normalization& normalization)
    : kernels_(kernels), quant_params_(quant_params) {
  for (std::size_t channel = 0; channel < table_.size(); channel++) {
    for (std::size_t byte = 0; byte < 256; byte++) {
      const auto value = normalization.apply(static_cast<double>(byte) / 255, channel);
      table_[channel][byte] = element_of(static_cast<float>(value), kernels.element, quant_params);
    }
  }
}

void Ingest::convert_bytes(const uint8_t* row, int64_t width, char* output) const {
  switch (kernels_.element) {
    case Element::kFloat32:
      return look_up<uint32_t>(table_, row, width, channels(), 0, output);
    case Element::kBFloat16:
      return look_up<uint16_t>(table_, row, width, channels(), 0, output);
    case Element::kUInt8:
      return look_up<uint8_t>(table_, row, width, channels(), quant_params_.zero_point, output);
  }
}

bool Ingest::convert_floats(const float* row, int64_t plane, int64_t width, char* output) const {
  if (kernels_.interleave != nullptr) {
    return kernels_.interleave({{row, row + plane, row + 2 * plane},
                                width,
                                quant_params_.scale,
                                static_cast<float>(quant_params_.zero_point),
                                output});
  }
  auto* elements = reinterpret_cast<float*>(output);
  for (int64_t x = 0; x < width; x++) {
    for (int64_t c = 0; c < 3; c++) *elements++ = row[c * plane + x];
  }
  return true;
}

}  // namespace resnet
