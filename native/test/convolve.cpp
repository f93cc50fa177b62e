#include "inference/convolve.h"

#include <cmath>
#include <limits>

#include "inference/view.h"
#include "test/support.h"

// Our convolutions against libtorch's. A map's memory ends with its last row and border, so that a sanitizer notices
// every access beyond it.
namespace resnet {
namespace {

using kernels::Element;

struct Case {
  int64_t in, out, kernel, stride, height, width, images;
  bool shortcut, relu;
};

std::ostream& operator<<(std::ostream& out, const Case& one) {
  return out << one.in << "->" << one.out << " k" << one.kernel << " s" << one.stride << ' ' << one.height << 'x'
             << one.width << " n" << one.images << (one.shortcut ? " shortcut" : "") << (one.relu ? " relu" : "");
}

/// A feature map in memory of exactly its size.
class TestMap {
 public:
  TestMap(int64_t channels, int64_t height, int64_t width, int64_t padding, int64_t images)
      : map_{channels, height, width, padding, channels * 4, 0, false},
        images_(images),
        // NaN, so that a border that is not filled fails the comparison.
        memory_(exact_copy(std::vector<float>(images * map_.image_bytes() / 4, std::nanf("")))) {}

  /// Writes x [N, C, H, W] and a border of zeros.
  void set(const at::Tensor& x) {
    std::fill_n(memory_.get(), images_ * map_.image_bytes() / 4, 0.0F);
    const auto values = x.permute({0, 2, 3, 1}).contiguous();
    for (int64_t image = 0; image < images_; image++) {
      for (int64_t y = 0; y < map_.height; y++) {
        std::memcpy(view().pixel(image, y, 0), values[image][y].const_data_ptr<float>(), map_.width * map_.pixel_bytes);
      }
    }
  }

  /// With the border, [N, C, H + 2 padding, W + 2 padding].
  [[nodiscard]] at::Tensor with_border() const {
    const auto height = map_.height + 2 * map_.padding;
    const auto width = map_.width + 2 * map_.padding;
    return at::from_blob(memory_.get(), {images_, height, width, map_.channels}, at::kFloat).permute({0, 3, 1, 2});
  }

  [[nodiscard]] View view() const { return {map_, memory_.get()}; }

 private:
  FeatureMap map_;
  int64_t images_;
  std::unique_ptr<float[]> memory_;
};

using Convolve = void (*)(const kernels::Kernels&, const ConvolutionTask&);

void expect_like_libtorch(const kernels::Kernels& kernels, const Case& one, Convolve convolve, bool winograd) {
  SCOPED_TRACE(one);
  const auto padding = one.kernel / 2;
  const auto parameters = random_parameters(one.out, one.in, one.kernel, 7);
  const auto x = random_tensor({one.images, one.in, one.height, one.width}, 8);
  const auto weight = (parameters.weight * parameters.scale.view({-1, 1, 1, 1})).to(at::kFloat);
  auto expected = at::conv2d(x, weight, parameters.bias, one.stride, padding);
  const auto shortcut = random_tensor(expected.sizes(), 9);
  if (one.shortcut) expected = expected + shortcut;
  if (one.relu) expected = at::relu(expected);

  Convolution step;
  step.input = 0;
  step.output = 1;
  if (one.shortcut) step.shortcut = 1;
  step.in_channels = one.in;
  step.out_channels = one.out;
  step.kernel = one.kernel;
  step.stride = one.stride;
  step.padding = padding;
  step.relu = one.relu;
  const auto packed = winograd ? pack_winograd(parameters) : pack(parameters, Element::kFloat32, one.in);
  for (const int threads : {1, 2, 3}) {
    const NumThreadsGuard threads_guard(threads);
    TestMap input(one.in, one.height, one.width, padding, one.images);
    input.set(x);
    TestMap output(one.out, expected.size(2), expected.size(3), /*padding=*/1, one.images);
    if (one.shortcut) output.set(shortcut);
    const auto in = input.view();
    const auto out = output.view();
    convolve(kernels, {step, packed, in, out, out, 0, one.images, 1, 0});
    EXPECT_LE(difference(output.with_border(), at::constant_pad_nd(expected, {1, 1, 1, 1})), winograd ? 5e-6 : 1e-6);
  }
}

/// Wherever libtorch's output is NaN, so is ours, and it is finite outside the tiles of 4x4 that contain `special`.
void expect_keeps(float special, const kernels::Kernels& kernels, const Case& one, Convolve convolve, bool winograd) {
  SCOPED_TRACE(testing::Message() << one << " with " << special);
  const auto padding = one.kernel / 2;
  const auto parameters = random_parameters(one.out, one.in, one.kernel, 7);
  const auto weight = (parameters.weight * parameters.scale.view({-1, 1, 1, 1})).to(at::kFloat);
  const auto packed = winograd ? pack_winograd(parameters) : pack(parameters, Element::kFloat32, one.in);
  Convolution step{"", "", "", 0, 1, {}, one.in, one.out, one.kernel, one.stride, padding, one.relu};
  if (one.shortcut) step.shortcut = 1;
  for (int64_t pixel = 0; pixel < one.height * one.width; pixel++) {
    const auto y = pixel / one.width;
    const auto x = pixel % one.width;
    auto values = random_tensor({1, one.in, one.height, one.width}, 8);
    values[0][pixel % one.in][y][x] = special;
    auto expected = at::conv2d(values, weight, parameters.bias, one.stride, padding);
    const auto shortcut = random_tensor(expected.sizes(), 9);
    if (one.shortcut) expected = expected + shortcut;
    if (one.relu) expected = at::relu(expected);
    TestMap input(one.in, one.height, one.width, padding, 1);
    input.set(values);
    TestMap output(one.out, expected.size(2), expected.size(3), /*padding=*/0, 1);
    if (one.shortcut) output.set(shortcut);
    convolve(kernels, {step, packed, input.view(), output.view(), output.view(), 0, 1, 1, 0});
    const auto actual = output.with_border();
    ASSERT_TRUE(at::isnan(actual).logical_or(at::isnan(expected).logical_not()).all().item<bool>()) << y << ' ' << x;
    const auto distant = [&](int64_t size, int64_t center) {
      return at::arange(size).mul(one.stride).sub(center).abs().gt(one.kernel + 1);
    };
    const auto mask = distant(expected.size(2), y).unsqueeze(1).logical_or(distant(expected.size(3), x));
    ASSERT_TRUE(at::isfinite(actual).logical_or(mask.logical_not()).all().item<bool>()) << y << ' ' << x;
  }
}

}  // namespace

TEST(Convolve, KeepsNaNAndInfinity) {
  const auto* kernels = kernels::select(Element::kFloat32);
  if (kernels == nullptr) GTEST_SKIP() << "this processor lacks the instructions";
  constexpr auto kInfinity = std::numeric_limits<float>::infinity();
  for (const float special : {std::nanf(""), -std::nanf(""), kInfinity, -kInfinity}) {
    for (const auto& one : std::vector<Case>{{3, 64, 7, 2, 9, 8, 1, false, true},
                                             {17, 64, 3, 1, 5, 9, 1, true, true},
                                             {64, 64, 3, 2, 7, 6, 1, false, true},
                                             {64, 64, 1, 1, 3, 13, 1, true, true},
                                             {64, 64, 1, 2, 3, 5, 1, false, false}}) {
      expect_keeps(special, *kernels, one, convolve, false);
    }
    for (const auto& one : std::vector<Case>{{64, 64, 3, 1, 1, 1, 1, false, true},
                                             {64, 64, 3, 1, 2, 9, 1, true, true},
                                             {64, 64, 3, 1, 7, 8, 1, true, false},
                                             {128, 64, 3, 1, 9, 7, 1, false, true}}) {
      expect_keeps(special, *kernels, one, convolve_winograd, true);
    }
  }
}

TEST(Convolve, MatchesLibtorchForOddSizesStridesAndTails) {
  const auto* kernels = kernels::select(Element::kFloat32);
  if (kernels == nullptr) GTEST_SKIP() << "this processor lacks the instructions";
  for (const auto& one : std::vector<Case>{{3, 64, 7, 2, 1, 1, 1, false, true},
                                           {3, 64, 7, 2, 33, 17, 2, false, true},
                                           {64, 64, 3, 1, 1, 1, 1, false, false},
                                           {17, 64, 3, 1, 5, 9, 1, true, true},
                                           {64, 128, 3, 2, 15, 7, 3, false, true},
                                           {64, 128, 3, 2, 14, 8, 1, true, false},
                                           {64, 192, 1, 1, 7, 13, 2, true, true},
                                           {1, 64, 1, 2, 1, 31, 1, false, false},
                                           {128, 64, 1, 2, 9, 9, 1, false, true}}) {
    expect_like_libtorch(*kernels, one, convolve, false);
  }
}

TEST(Convolve, WinogradMatchesLibtorchForOddSizes) {
  const auto* kernels = kernels::select(Element::kFloat32);
  if (kernels == nullptr) GTEST_SKIP() << "this processor lacks the instructions";
  for (const auto& one : std::vector<Case>{{64, 64, 3, 1, 1, 1, 1, false, true},
                                           {64, 64, 3, 1, 1, 8, 2, true, false},
                                           {64, 64, 3, 1, 7, 1, 1, false, false},
                                           {128, 128, 3, 1, 5, 3, 3, true, true},
                                           {64, 64, 3, 1, 30, 57, 1, false, true},
                                           {256, 256, 3, 1, 14, 15, 1, true, true},
                                           {64, 64, 3, 1, 3, 1001, 1, true, true},  // several pieces wide
                                           {64, 64, 3, 1, 2, 2, 5, false, false}}) {
    expect_like_libtorch(*kernels, one, convolve_winograd, true);
  }
}

}  // namespace resnet
