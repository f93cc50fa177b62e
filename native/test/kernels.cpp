#include "inference/kernels/kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "inference/packed.h"
#include "test/support.h"

// Each kernel runs on memory of exactly the size that it needs.
namespace resnet {
namespace {

using kernels::Element;
using kernels::kPanel;

class Kernels : public testing::TestWithParam<Element> {
 protected:
  void SetUp() override {
    kernels_ = kernels::select(GetParam());
    if (kernels_ == nullptr) GTEST_SKIP() << "this processor lacks the instructions";
  }

  /// `values` as elements, in memory of exactly their size.
  [[nodiscard]] std::unique_ptr<char[]> elements(const std::vector<float>& values) const {
    const auto size = bytes_of(GetParam());
    std::vector<char> bytes(values.size() * size);
    for (std::size_t i = 0; i < values.size(); i++) {
      const auto half = static_cast<c10::BFloat16>(values[i]);
      const auto byte = static_cast<uint8_t>(GetParam() == Element::kUInt8 ? values[i] : 0);
      switch (GetParam()) {
        case Element::kFloat32:
          std::memcpy(bytes.data() + i * size, &values[i], size);
          break;
        case Element::kBFloat16:
          std::memcpy(bytes.data() + i * size, &half, size);
          break;
        case Element::kUInt8:
          std::memcpy(bytes.data() + i * size, &byte, size);
          break;
      }
    }
    return exact_copy(bytes);
  }

  [[nodiscard]] std::vector<float> numbers(const char* elements, int64_t count) const {
    std::vector<float> values(count);
    for (int64_t i = 0; i < count; i++) {
      c10::BFloat16 half;
      switch (GetParam()) {
        case Element::kFloat32:
          std::memcpy(&values[i], elements + 4 * i, 4);
          break;
        case Element::kBFloat16:
          std::memcpy(&half, elements + 2 * i, 2);
          values[i] = half;
          break;
        case Element::kUInt8:
          values[i] = reinterpret_cast<const uint8_t*>(elements)[i];
          break;
      }
    }
    return values;
  }

  /// Integers that every element type represents exactly, as well as their sums of products.
  [[nodiscard]] static std::vector<float> small_numbers(int64_t count, int min, int max, int seed) {
    std::vector<float> values(count);
    auto state = static_cast<uint32_t>(seed);
    for (auto& value : values) {
      state = state * 1664525U + 1013904223U;
      value = static_cast<float>(min + static_cast<int>((state >> 16) % static_cast<uint32_t>(max - min + 1)));
    }
    return values;
  }

  const kernels::Kernels* kernels_ = nullptr;
};

/// A row of a convolution by definition, for kPanel channels.
struct Convolved {
  int64_t pixels, stride, row_words, window_rows, per_word, row_values;
  const std::vector<float>&input, &weights;

  [[nodiscard]] float at(int64_t pixel, int64_t channel) const {
    float sum = 0;
    for (int64_t y = 0; y < window_rows; y++) {
      for (int64_t i = 0; i < row_words * per_word; i++) {
        const auto word = y * row_words + i / per_word;
        sum +=
            input[y * row_values + pixel * stride + i] * weights[(word * kPanel + channel) * per_word + i % per_word];
      }
    }
    return sum;
  }
};

std::string name_of(const testing::TestParamInfo<Element>& info) {
  constexpr std::array names{"float32", "bfloat16", "uint8"};
  return names.at(static_cast<std::size_t>(info.param));
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Elements, Kernels, testing::Values(Element::kFloat32, Element::kBFloat16, Element::kUInt8),
                         name_of);

TEST_P(Kernels, ConvolveRowsOfEveryLength) {
  const auto per_word = 4 / bytes_of(GetParam());
  for (const int64_t pixels : {1, 2, 3, 5, 6, 7, 8, 13, 14, 15, 29}) {
    for (const auto& [row_words, window_rows] : {std::pair<int64_t, int64_t>{1, 1}, {3, 3}, {7, 2}, {16, 1}}) {
      for (const bool shortcut : {false, true}) {
        const auto stride = per_word * 2;
        const auto row_values = (pixels - 1) * stride + row_words * per_word;
        const auto input = small_numbers(row_values * window_rows, 0, 3, 1);
        auto weights = small_numbers(window_rows * row_words * kPanel * per_word, -2, 2, 2);
        const Convolved expected{pixels, stride, row_words, window_rows, per_word, row_values, input, weights};

        const auto input_memory = elements(input);
        std::vector<int8_t> signed_weights(weights.begin(), weights.end());
        const auto byte_weights = exact_copy(signed_weights);
        const auto number_weights = elements(GetParam() == Element::kUInt8 ? std::vector<float>() : weights);
        const auto scale = exact_copy(std::vector<float>(kPanel, 1));
        const auto bias = exact_copy(std::vector<float>(kPanel, 4));
        const auto shortcuts = small_numbers(pixels * kPanel, 0, 7, 3);
        const auto shortcut_memory = elements(shortcuts);
        const auto output = elements(std::vector<float>(pixels * kPanel));

        kernels::ConvRow row{};
        row.input = input_memory.get();
        row.input_pixel_stride = stride * bytes_of(GetParam());
        row.input_row_stride = row_values * bytes_of(GetParam());
        row.window_rows = window_rows;
        row.row_words = row_words;
        row.weights =
            GetParam() == Element::kUInt8 ? reinterpret_cast<const char*>(byte_weights.get()) : number_weights.get();
        row.scale = scale.get();
        row.bias = bias.get();
        row.shortcut = shortcut ? shortcut_memory.get() : nullptr;
        row.shortcut_scale = 1;
        row.output = output.get();
        row.output_stride = kPanel * bytes_of(GetParam());
        row.pixels = pixels;
        row.relu = true;
        kernels_->conv(row);

        const auto actual = numbers(output.get(), pixels * kPanel);
        for (int64_t i = 0; i < pixels * kPanel; i++) {
          const auto sum = expected.at(i / kPanel, i % kPanel) + 4 + (shortcut ? shortcuts[i] : 0);
          ASSERT_EQ(actual[i], std::max(sum, 0.0F)) << "element " << i << " of " << pixels << " pixels";
        }

        if (GetParam() == Element::kUInt8) continue;
        // NaN of either sign in one pixel's window makes that pixel NaN, and no other.
        for (int64_t pixel = 0; pixel < pixels; pixel++) {
          const auto at = (window_rows - 1) * row_values + pixel * stride + row_words * per_word - 1;
          auto not_finite = input;
          not_finite[at] = pixel % 2 == 0 ? std::nanf("") : -std::nanf("");
          const auto memory = elements(not_finite);
          row.input = memory.get();
          kernels_->conv(row);
          const auto seen = numbers(output.get(), pixels * kPanel);
          for (int64_t i = 0; i < pixels * kPanel; i++) {
            const auto first = at - (window_rows - 1) * row_values - i / kPanel * stride;
            ASSERT_EQ(std::isnan(seen[i]), first >= 0 && first < row_words * per_word) << "element " << i;
          }
        }
      }
    }
  }
}

TEST_P(Kernels, PoolRows) {
  for (const int64_t pixels : {1, 2, 5}) {
    for (const int64_t channels : {1, 3, 17, 64}) {
      const auto width = 2 * (pixels - 1) + 3;
      const auto input = small_numbers(3 * width * channels, 0, 200, 4);
      const auto input_memory = elements(input);
      const auto output = elements(std::vector<float>(pixels * channels));
      kernels_->max_pool({input_memory.get(), width * channels * bytes_of(GetParam()), output.get(), pixels, channels,
                          /*stride=*/2});
      const auto actual = numbers(output.get(), pixels * channels);
      for (int64_t i = 0; i < pixels * channels; i++) {
        float max = 0;
        for (int64_t y = 0; y < 3; y++) {
          for (int64_t x = 0; x < 3; x++) {
            max = std::max(max, input[(y * width + 2 * (i / channels) + x) * channels + i % channels]);
          }
        }
        ASSERT_EQ(actual[i], max);
      }

      if (GetParam() == Element::kUInt8) continue;
      for (const float special : {std::nanf(""), -std::nanf(""), std::numeric_limits<float>::infinity(), -0.0F}) {
        for (int64_t x = 0; x < width; x++) {
          for (int64_t y = 0; y < 3; y++) {
            auto values = std::vector<float>(3 * width * channels, special == 0 ? 0.0F : 1.0F);
            for (int64_t c = 0; c < channels; c++) values[(y * width + x) * channels + c] = special;
            const auto memory = elements(values);
            kernels_->max_pool({memory.get(), width * channels * bytes_of(GetParam()), output.get(), pixels, channels,
                                /*stride=*/2});
            const auto pooled = numbers(output.get(), pixels * channels);
            for (int64_t i = 0; i < pixels * channels; i++) {
              const auto first = 2 * (i / channels);
              const bool is_in_window = x >= first && x < first + 3;
              if (is_in_window && std::isnan(special)) {
                ASSERT_TRUE(std::isnan(pooled[i]));
              } else {
                ASSERT_EQ(pooled[i], is_in_window ? special : special == 0 ? 0 : 1);
              }
            }
          }
        }
      }
    }
  }
}

TEST_P(Kernels, SumRows) {
  for (const int64_t pixels : {1, 2, 49}) {
    for (const int64_t channels : {16, 48, 512}) {
      const auto input = small_numbers(pixels * channels, 0, 100, 5);
      const auto input_memory = elements(input);
      const auto output = exact_copy(std::vector<float>(channels, 1));
      kernels_->sum({input_memory.get(), pixels, channels, output.get()});
      for (int64_t c = 0; c < channels; c++) {
        float sum = 1;
        for (int64_t pixel = 0; pixel < pixels; pixel++) sum += input[pixel * channels + c];
        ASSERT_EQ(output[c], sum);
      }
    }
  }
}

TEST(KernelsOfUInt8, RoundAndClampEverySum) {
  const auto* kernels = kernels::select(Element::kUInt8);
  if (kernels == nullptr) GTEST_SKIP() << "this processor lacks the instructions";
  // One pixel of one word, whose largest sum is 4 * 255 * 127.
  const auto input = exact_copy(std::vector<uint8_t>(4, 255));
  const auto output = std::make_unique<uint8_t[]>(kPanel);
  const auto bias = exact_copy(std::vector<float>(kPanel, 0));
  for (const auto& [weight, scale, element] : {std::tuple<int8_t, float, int>{127, 1, 255},
                                               {-127, 1, 0},
                                               {127, 1e-5F, 1},
                                               {1, 0x1p-11F, 0},
                                               {3, 0x1p-11F, 1},
                                               {1, 1e9F, 255},
                                               {-1, 1e9F, 0}}) {
    const auto weights = exact_copy(std::vector<int8_t>(4 * kPanel, weight));
    const auto scales = exact_copy(std::vector<float>(kPanel, scale));
    kernels::ConvRow row{};
    row.input = reinterpret_cast<const char*>(input.get());
    row.window_rows = row.row_words = row.pixels = 1;
    row.weights = reinterpret_cast<const char*>(weights.get());
    row.scale = scales.get();
    row.bias = bias.get();
    row.output = reinterpret_cast<char*>(output.get());
    kernels->conv(row);
    EXPECT_EQ(output[kPanel - 1], element) << "weight " << int{weight} << ", scale " << scale;
  }
}

}  // namespace resnet
