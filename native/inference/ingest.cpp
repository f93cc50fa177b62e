#include "inference/ingest.h"

#include <algorithm>
#include <bit>

#include "inference/rounded.h"

namespace resnet {
namespace {

using kernels::Element;

uint8_t quantised_element(float value, Quantised quantised) {
  const auto element = value / quantised.scale + static_cast<float>(quantised.zero);
  // In this order NaN becomes 0: max returns its first argument unless the second one is larger.
  return static_cast<uint8_t>(rounded(std::min(std::max(0.0F, element), 255.0F)));
}

uint32_t element_of(float value, Element element, Quantised quantised) {
  switch (element) {
    case Element::kFloat32:
      return std::bit_cast<uint32_t>(value);
    case Element::kBFloat16:
      return static_cast<c10::BFloat16>(value).x;
    case Element::kUInt8:
      return quantised_element(value, quantised);
  }
  return 0;
}

/// `value(c, x)` is the element of a pixel's channel.
template <class T, class ElementAt>
void fill(char* to, int64_t width, int64_t channels, T zero, const ElementAt& value) {
  auto* elements = reinterpret_cast<T*>(to);
  for (int64_t x = 0; x < width; x++, elements += channels) {
    for (int64_t c = 0; c < 3; c++) elements[c] = value(c, x);
    for (int64_t c = 3; c < channels; c++) elements[c] = zero;
  }
}

}  // namespace

Ingest::Ingest(Element element, int64_t channels, Quantised quantised, const Normalisation& normalisation)
    : element_(element), channels_(channels), quantised_(quantised) {
  for (std::size_t channel = 0; channel < table_.size(); channel++) {
    for (std::size_t byte = 0; byte < 256; byte++) {
      const auto value = (static_cast<double>(byte) / 255 - normalisation.mean[channel]) / normalisation.std[channel];
      table_[channel][byte] = element_of(static_cast<float>(value), element, quantised);
    }
  }
}

void Ingest::bytes(const uint8_t* row, int64_t width, char* to) const {
  const auto looked_up = [&](int64_t c, int64_t x) { return table_[c][row[3 * x + c]]; };
  switch (element_) {
    case Element::kFloat32:
      return fill<uint32_t>(to, width, channels_, 0, looked_up);
    case Element::kBFloat16:
      return fill<uint16_t>(to, width, channels_, 0, looked_up);
    case Element::kUInt8:
      return fill<uint8_t>(to, width, channels_, quantised_.zero, looked_up);
  }
}

void Ingest::floats(const float* row, int64_t plane, int64_t width, char* to) const {
  const auto value = [&](int64_t c, int64_t x) { return row[c * plane + x]; };
  switch (element_) {
    case Element::kFloat32:
      return fill<float>(to, width, channels_, 0, value);
    case Element::kBFloat16:
      return fill<c10::BFloat16>(to, width, channels_, 0,
                                 [&](int64_t c, int64_t x) { return static_cast<c10::BFloat16>(value(c, x)); });
    case Element::kUInt8:
      return fill<uint8_t>(to, width, channels_, quantised_.zero,
                           [&](int64_t c, int64_t x) { return quantised_element(value(c, x), quantised_); });
  }
}

}  // namespace resnet
