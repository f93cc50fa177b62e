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
  for (int64_t x = 0; x < pass.pixels; x++, weights += pass.taps, output += 3) {
    const uint8_t* input = pass.inputs[0] + 3 * pass.starts[x];
    int red = half, green = half, blue = half;
    for (int64_t t = 0; t < pass.taps; t++, input += 3) {
      red += weights[t] * input[0];
      green += weights[t] * input[1];
      blue += weights[t] * input[2];
    }
    output[0] = to_byte(red, pass.precision);
    output[1] = to_byte(green, pass.precision);
    output[2] = to_byte(blue, pass.precision);
  }
}

/// In blocks of a fixed size, which compilers put into registers.
void vertical(const VerticalPass& pass) {
  const int half = 1 << (pass.precision - 1);
  for (int64_t start = 0; start < pass.bytes; start += kVector) {
    int sums[kVector];
    for (int& sum : sums) sum = half;
    for (int64_t t = 0; t < pass.taps; t++) {
      const uint8_t* input = pass.inputs[t] + start;
      for (int64_t i = 0; i < kVector; i++) sums[i] += pass.weights[t] * input[i];
    }
    const int64_t left = pass.bytes - start;
    for (int64_t i = 0; i < (left < kVector ? left : kVector); i++) {
      pass.output[start + i] = to_byte(sums[i], pass.precision);
    }
  }
}

}  // namespace

const ResizeKernels kPortable{"portable", 1, horizontal, vertical};

}  // namespace resnet::resizing
