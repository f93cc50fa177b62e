#include "image/kernels/kernels.h"

namespace resnet::resizing {
namespace {

uint8_t to_byte(int sum, int precision) {
  const int value = sum >> precision;
  return static_cast<uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

void horizontal(const HorizontalPass& pass) {
  const int half = 1 << (pass.precision - 1);
  const int16_t* weights = pass.weights;
  uint8_t* output = pass.outputs[0];
  for (int64_t x = 0; x < pass.pixels; x++, weights += pass.taps) {
    const uint8_t* input = pass.inputs[0] + 3 * pass.starts[x];
    for (int channel = 0; channel < 3; channel++) {
      int sum = half;
      for (int64_t t = 0; t < pass.taps; t++) sum += weights[t] * input[3 * t + channel];
      *output++ = to_byte(sum, pass.precision);
    }
  }
}

void vertical(const VerticalPass& pass) {
  const int half = 1 << (pass.precision - 1);
  for (int64_t x = 0; x < pass.bytes; x++) {
    int sum = half;
    for (int64_t t = 0; t < pass.taps; t++) sum += pass.weights[t] * pass.inputs[t][x];
    pass.output[x] = to_byte(sum, pass.precision);
  }
}

}  // namespace

const Kernels kPortable{"portable", 1, horizontal, vertical};

}  // namespace resnet::resizing
