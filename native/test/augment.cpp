#include "image/augment.h"

#include <random>

#include "image/color.h"
#include "image/geometry.h"
#include "image/resize.h"
#include "test/support.h"
#include "training/mix.h"

namespace resnet {
namespace {

/// A picture in memory of exactly its size.
struct Picture {
  Picture(int64_t height, int64_t width, uint32_t seed)
      : memory(exact_copy(noise(3 * height * width, seed))), pixels{memory.get(), height, width} {}

  static std::vector<uint8_t> noise(int64_t count, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<uint8_t> bytes(count);
    for (auto& byte : bytes) byte = static_cast<uint8_t>(random());
    return bytes;
  }
  [[nodiscard]] at::Tensor view() const {
    return at::from_blob(memory.get(), {pixels.height, pixels.width, 3}, at::kByte);
  }

  std::unique_ptr<uint8_t[]> memory;
  RgbPixels pixels;
};

AugmentPlan plan_of(const Box& box, int64_t size) { return {box, size, Interpolation::kBilinear, false, {}, {}, {}}; }

constexpr TrivialOperation kLast = TrivialOperation::kEqualize;

}  // namespace

TEST(Augment, ABoxOfAPictureIsResizedAsACopyOfIt) {
  for (const auto* kernels : {&resizing::kPortable, &resizing::resize_kernels()}) {
    for (const auto& box : {Box{0, 0, 9, 11}, {0, 0, 1, 1}, {8, 10, 1, 1}, {0, 8, 9, 3}, {6, 0, 3, 11}, {4, 5, 5, 6}}) {
      for (const int64_t size : {1, 4, 7, 40}) {
        const Picture picture(9, 11, 1);
        const auto copy = picture.view().narrow(0, box.top, box.height).narrow(1, box.left, box.width).contiguous();
        for (const auto interpolation : {Interpolation::kBilinear, Interpolation::kBicubic}) {
          const auto rows = antialiasing_taps({box.height, size, 0, size}, interpolation);
          const auto columns = antialiasing_taps({box.width, size, 0, size}, interpolation);
          const auto resized = [&](const RgbPicture& input) {
            auto output = exact_copy(std::vector<uint8_t>(3 * size * size));
            resize(input, rows, columns, output.get(), 3 * size, *kernels);
            return std::vector<uint8_t>(output.get(), output.get() + 3 * size * size);
          };
          const auto* first = picture.memory.get() + 3 * (box.top * 11 + box.left);
          ASSERT_EQ(resized({first, box.height, box.width, 3 * 11}),
                    resized({copy.const_data_ptr<uint8_t>(), box.height, box.width}))
              << kernels->name << " " << box.top << ", " << box.left << " to " << size;
        }
      }
    }
  }
}

TEST(Augment, EveryOperationOnEverySmallSize) {
  for (const auto& [height, width] :
       {std::pair<int64_t, int64_t>{1, 1}, {1, 9}, {9, 1}, {2, 2}, {3, 3}, {3, 2}, {5, 4}}) {
    for (const int64_t size : {1, 2, 3, 4, 5}) {
      for (int operation = 0; operation <= static_cast<int>(kLast); operation++) {
        for (const double magnitude : {-0.99, -0.5, 0.0, 0.33, 1.0}) {
          const auto trivial = static_cast<TrivialOperation>(operation);
          if (magnitude < 0 && (trivial == TrivialOperation::kPosterize || trivial == TrivialOperation::kSolarize)) {
            continue;
          }
          const Picture picture(height, width, 2);
          auto plan = plan_of({0, 0, height, width}, size);
          plan.flip = true;
          plan.jitter = {{ColorProperty::kHue, 0.5}, {ColorProperty::kContrast, 1000}, {ColorProperty::kHue, -0.5}};
          plan.trivial = TrivialAugment{trivial, magnitude};
          plan.erasure = Erasure{{size - 1, size - 1, 1, 1}, {1, 2, 3}};
          const auto result = augment(picture.view(), plan);
          ASSERT_EQ(result.sizes(), (std::vector<int64_t>{size, size, 3}));
          EXPECT_EQ(result[size - 1][size - 1][2].item<int>(), 3);
        }
      }
    }
  }
}

TEST(Augment, InPlaceOperationsStayWithinTheirMemory) {
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {1, 7}, {7, 1}, {3, 3}, {5, 8}}) {
    const Picture picture(height, width, 3);
    const auto& pixels = picture.pixels;
    for (const double slope : {-0.99, 0.5, 9.0}) {
      shear_x(pixels, slope);
      shear_y(pixels, slope);
    }
    for (const double degrees : {-360.0, -90.0, 17.0, 45.0, 90.0, 180.0, 270.0}) rotate(pixels, degrees);
    adjust_sharpness(pixels, 0);
    adjust_hue(pixels, 0.3);
    equalize(pixels);
    autocontrast(pixels);
    erase(pixels, {0, 0, height, width}, {9, 9, 9});
    EXPECT_TRUE((picture.view() == 9).all().item<bool>());
    translate(pixels, -4096, 4096);
    EXPECT_TRUE((picture.view() == 0).all().item<bool>());
  }
}

TEST(Augment, TurnsAndMirrorsThatCancel) {
  for (const int64_t side : {1, 2, 7, 8}) {
    const Picture picture(side, side, 4);
    const auto original = picture.view().clone();
    rotate(picture.pixels, 90);
    EXPECT_TRUE(at::equal(picture.view(), at::rot90(original, 1, {0, 1})));
    rotate(picture.pixels, 180);
    EXPECT_TRUE(at::equal(picture.view(), at::rot90(original, 3, {0, 1})));
    rotate(picture.pixels, -270);
    EXPECT_TRUE(at::equal(picture.view(), original));
    flip_horizontally(picture.pixels);
    EXPECT_TRUE(at::equal(picture.view(), original.flip({1})));
  }
}

TEST(Augment, ImagesAreMixedWithTheOnesBeforeThem) {
  const auto x = random_tensor({3, 2, 4, 5}, 6).contiguous(at::MemoryFormat::ChannelsLast);
  const auto before = at::stack({x[2], x[0], x[1]});
  EXPECT_TRUE(at::equal(mix_images(x, {0.25, {}}), before.mul(0.75).add(x.mul(0.25))));
  EXPECT_TRUE(at::equal(mix_images(x.narrow(0, 0, 1), {0.5, {}}), x.narrow(0, 0, 1)));

  for (const auto& box : {Box{0, 0, 4, 5}, {3, 4, 1, 1}, {1, 0, 2, 5}}) {
    const auto inside = at::zeros({4, 5}, at::kBool);
    inside.narrow(0, box.top, box.height).narrow(1, box.left, box.width).fill_(true);
    EXPECT_TRUE(at::equal(mix_images(x, {0.5, box}), at::where(inside, before, x)));
  }
  for (const auto& box : {Box{0, 0, 5, 5}, {4, 0, 1, 1}, {0, 0, 0, 1}}) {
    EXPECT_EQ(code_of([&] { mix_images(x, {0.5, box}); }), "ERR_ARGUMENT");
  }

  const auto target = at::tensor({2, 0, 1}, at::kLong);
  const auto expected = at::tensor({0.F, .75F, .25F, .25F, 0.F, .75F, .75F, .25F, 0.F}).view({3, 3});
  EXPECT_TRUE(at::equal(mix_targets(target, {0.25, {}}, 3), expected));
  EXPECT_TRUE(at::equal(mix_targets(at::one_hot(target, 3).to(at::kFloat), {0.25, {}}, 3), expected));
}

TEST(Augment, BoxesBeyondThePictureAreErrors) {
  const Picture picture(5, 7, 5);
  for (const auto& box :
       {Box{0, 0, 6, 7}, {0, 0, 5, 8}, {5, 0, 1, 1}, {0, 7, 1, 1}, {-1, 0, 2, 2}, {0, 0, 0, 1}, {1, 1, INT64_MAX, 1}}) {
    EXPECT_EQ(code_of([&] { augment(picture.view(), plan_of(box, 4)); }), "ERR_ARGUMENT");
    auto plan = plan_of({0, 0, 5, 7}, 5);
    plan.erasure = Erasure{box, {0, 0, 0}};
    if (box.width != 7) {
      EXPECT_EQ(code_of([&] { augment(picture.view(), plan); }), "ERR_ARGUMENT");
    }
  }
}

}  // namespace resnet
