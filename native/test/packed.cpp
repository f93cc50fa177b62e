#include "inference/packed.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "inference/convolve.h"
#include "test/support.h"

namespace resnet {
namespace {

using kernels::Element;
using kernels::kPanel;

/// The weight for input channel `c` at (y, x) of the window.
template <class T>
float packed_weight(const PackedParameters& packed, int64_t in_channels, int64_t channel, int64_t c, int64_t y,
                    int64_t x) {
  constexpr int64_t kPerWord = 4 / sizeof(T);
  const auto index = x * in_channels + c;
  const auto word = (y * packed.row_words + index / kPerWord) * kPanel + channel % kPanel;
  T value;
  std::memcpy(&value,
              static_cast<const char*>(packed.weights.const_data_ptr()) + channel / kPanel * packed.panel_bytes +
                  (word * kPerWord + index % kPerWord) * static_cast<int64_t>(sizeof(T)),
              sizeof(T));
  return static_cast<float>(value);
}

/// Parameters with this weight, scale 1 and bias 0.
Parameters unscaled(const at::Tensor& weight) {
  const auto out = weight.size(0);
  return {weight, at::ones({out}, at::kDouble), at::zeros({out})};
}

}  // namespace

TEST(Packed, EveryWeightHasItsPlaceAndTheRestIsZero) {
  for (const auto& [out, in, stored, kernel] :
       {std::array<int64_t, 4>{1, 1, 1, 1}, {64, 3, 4, 7}, {65, 5, 5, 3}, {63, 3, 3, 3}, {130, 7, 8, 1}}) {
    const auto weight = random_tensor({out, in, kernel, kernel}, 1);
    const auto floats = pack(unscaled(weight), Element::kFloat32, stored);
    const auto halves = pack(unscaled(weight), Element::kBFloat16, stored);
    EXPECT_EQ(floats.panels, (out + kPanel - 1) / kPanel);
    EXPECT_EQ(floats.bias.numel(), floats.panels * kPanel);
    double sum = 0;
    for (int64_t channel = 0; channel < floats.panels * kPanel; channel++) {
      for (int64_t c = 0; c < stored; c++) {
        for (int64_t y = 0; y < kernel; y++) {
          for (int64_t x = 0; x < kernel; x++) {
            const bool exists = channel < out && c < in;
            const auto expected = exists ? weight[channel][c][y][x].item<float>() : 0;
            sum += expected;
            ASSERT_EQ(packed_weight<float>(floats, stored, channel, c, y, x), expected);
            ASSERT_EQ(packed_weight<c10::BFloat16>(halves, stored, channel, c, y, x),
                      static_cast<float>(static_cast<c10::BFloat16>(expected)));
          }
        }
      }
    }
    EXPECT_NEAR(floats.weights.view(at::kFloat).sum(at::kDouble).item<double>(), sum, 1e-9 + std::abs(sum) * 1e-9);
  }
}

TEST(Packed, TheLargestWeightOfAChannelBecomes127) {
  const auto weight = random_tensor({65, 5, 3, 3}, 2);
  const auto packed = pack(unscaled(weight), Element::kUInt8, 5, {0.5F, 3});
  const auto scale = packed.scale.const_data_ptr<float>();
  const auto bias = packed.bias.const_data_ptr<float>();
  for (int64_t channel = 0; channel < 65; channel++) {
    const auto max = weight[channel].abs().max().item<float>();
    EXPECT_NEAR(scale[channel], 0.5F * max / 127, 1e-7);
    float sum = 0;
    for (int64_t i = 0; i < 45; i++) {
      const auto element = packed_weight<int8_t>(packed, 5, channel, i / 9, i / 3 % 3, i % 3);
      const auto expected = weight[channel][i / 9][i / 3 % 3][i % 3].item<float>() / max * 127;
      ASSERT_NEAR(element, expected, 0.5001);
      sum += element;
    }
    EXPECT_NEAR(bias[channel], -scale[channel] * 3 * sum, 1e-4);
  }
}

TEST(Packed, QuantizesNaNInfiniteAndSubnormalWeightsToZero) {
  constexpr auto kInfinity = std::numeric_limits<float>::infinity();
  for (const float odd : {std::nanf(""), kInfinity, -kInfinity, 1e-44F, -1e-44F}) {
    auto weight = at::zeros({64, 3, 1, 1});
    weight[5][1][0][0] = odd;
    weight[6][1][0][0] = 1;
    const auto packed = pack(unscaled(weight), Element::kUInt8, 4);
    EXPECT_EQ(packed_weight<int8_t>(packed, 4, 6, 1, 0, 0), 127);
    EXPECT_EQ(packed_weight<int8_t>(packed, 4, 5, 0, 0, 0), 0) << "beside " << odd;
    EXPECT_EQ(packed_weight<int8_t>(packed, 4, 7, 1, 0, 0), 0);
    pack(unscaled(weight), Element::kBFloat16, 4);
    pack(unscaled(weight), Element::kFloat32, 3);
  }
}

TEST(Packed, WinogradFillsUnusedChannelsWithZeros) {
  for (const auto& [out, in] : {std::pair<int64_t, int64_t>{1, 1}, {65, 3}, {64, 17}}) {
    const auto packed = pack_winograd(random_parameters(out, in, 3, 3));
    EXPECT_EQ(packed.weights.numel(), (out + kPanel - 1) / kPanel * 16 * in * kPanel * 4);
    EXPECT_EQ(packed.bias.numel(), packed.panels * kPanel);
    const auto last = packed.weights.view(at::kFloat).view({-1, 16 * in, kPanel})[packed.panels - 1];
    EXPECT_TRUE(last.narrow(1, (out - 1) % kPanel + 1, kPanel - 1 - (out - 1) % kPanel).eq(0).all().item<bool>());
  }
  // The corners of a window are also the corners of the transformed one.
  const auto parameters = unscaled(random_tensor({64, 16, 3, 3}, 4));
  const auto packed = pack_winograd(parameters);
  const auto* values = reinterpret_cast<const float*>(packed.weights.const_data_ptr());
  for (const auto& [position, y, x] : {std::array<int64_t, 3>{0, 0, 0}, {3, 0, 2}, {12, 2, 0}, {15, 2, 2}}) {
    EXPECT_EQ(values[(position * 16 + 15) * kPanel + 63], parameters.weight[63][15][y][x].item<float>());
  }
}

}  // namespace resnet
