#include "image/resize.h"

#include <random>

#include "image/preprocess.h"
#include "test/support.h"

namespace resnet {
namespace {

constexpr std::array kBoth{Interpolation::kBilinear, Interpolation::kBicubic};

std::vector<const resizing::ResizeKernels*> runnable() {
  std::vector<const resizing::ResizeKernels*> kernels{&resizing::kPortable};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) kernels.push_back(&resizing::kAvx2);
  if (&resizing::resize_kernels() == &resizing::kAvx512) kernels.push_back(&resizing::kAvx512);
#endif
  return kernels;
}

/// Bytes of any value, or of the two extremes alone: those show what overshoots.
std::vector<uint8_t> noise(int64_t count, std::mt19937& random) {
  const bool extremes = random() % 2 == 0;
  std::vector<uint8_t> bytes(count);
  for (auto& byte : bytes) byte = static_cast<uint8_t>(extremes ? (random() % 2) * 255 : random());
  return bytes;
}

at::Tensor by_libtorch(const at::Tensor& picture, int64_t height, int64_t width, Interpolation interpolation) {
  const auto planes = picture.permute({2, 0, 1}).unsqueeze(0);
  const auto resized = interpolation == Interpolation::kBicubic
                           ? at::_upsample_bicubic2d_aa(planes, {height, width}, /*align_corners=*/false)
                           : at::_upsample_bilinear2d_aa(planes, {height, width}, /*align_corners=*/false);
  return resized.squeeze(0).permute({1, 2, 0});
}

struct Size {
  int64_t height, width;
};

/// Every kernel gives what libtorch gives, for the whole picture and for a part of it, in memory of just their size.
void expect_libtorchs_pixels(const Size& input, const Size& output, std::mt19937& random) {
  const auto picture = exact_copy(noise(input.height * input.width * 3, random));
  const auto view = at::from_blob(picture.get(), {input.height, input.width, 3}, at::kByte);
  const auto part = [&](int64_t length) {
    const auto first = static_cast<int64_t>(random() % length);
    return std::pair{first, 1 + static_cast<int64_t>(random() % (length - first))};
  };
  const auto [top, height] = part(output.height);
  const auto [left, width] = part(output.width);
  for (const auto interpolation : kBoth) {
    const auto expected = by_libtorch(view, output.height, output.width, interpolation);
    for (const auto* kernels : runnable()) {
      const auto equal = [&](const ResizedAxis& rows, const ResizedAxis& columns) {
        const auto got = exact_copy(std::vector<uint8_t>(rows.count * columns.count * 3));
        resize({picture.get(), input.height, input.width}, antialiasing_taps(rows, interpolation),
               antialiasing_taps(columns, interpolation), got.get(), 3 * columns.count, *kernels);
        return at::equal(at::from_blob(got.get(), {rows.count, columns.count, 3}, at::kByte),
                         expected.narrow(0, rows.first, rows.count).narrow(1, columns.first, columns.count));
      };
      const bool whole =
          equal({input.height, output.height, 0, output.height}, {input.width, output.width, 0, output.width});
      const bool cropped = equal({input.height, output.height, top, height}, {input.width, output.width, left, width});
      ASSERT_TRUE(whole && cropped) << kernels->name << ", filter " << static_cast<int>(interpolation) << ": "
                                    << input.height << " x " << input.width << " -> " << output.height << " x "
                                    << output.width << " at " << top << ", " << left;
    }
  }
}

}  // namespace

TEST(Resize, SmallSizes) {
  std::mt19937 random(1);
  for (int64_t input = 1; input <= 20; input++) {
    for (int64_t output = 1; output <= 20; output++) {
      expect_libtorchs_pixels({input, 21 - output}, {output, input}, random);
      expect_libtorchs_pixels({output, input}, {input, output}, random);
    }
  }
}

TEST(Resize, AnySizes) {
  std::mt19937 random(2);
  // Small ones as often as large ones.
  const auto length = [&] { return static_cast<int64_t>(std::exp2(std::uniform_real_distribution(0.0, 9.5)(random))); };
  for (int i = 0; i < 300; i++) {
    const Size input{length(), length()};
    const Size output{length(), length()};
    expect_libtorchs_pixels(input, output, random);
  }
}

TEST(Resize, PhotographsToTheSizesOfNetworks) {
  std::mt19937 random(3);
  for (const auto& [height, width] : {Size{375, 500}, {500, 375}, {480, 640}, {333, 500}, {1080, 1920}}) {
    for (const int64_t shorter : {224, 232, 256, 288, 342}) {
      const auto least = std::min(height, width);
      expect_libtorchs_pixels({height, width}, {shorter * height / least, shorter * width / least}, random);
    }
  }
}

TEST(Resize, LongAndThin) {
  std::mt19937 random(4);
  expect_libtorchs_pixels({1, 50000}, {3, 150000}, random);
  expect_libtorchs_pixels({50000, 1}, {100, 1}, random);
  expect_libtorchs_pixels({2, 50000}, {1, 25000}, random);
  expect_libtorchs_pixels({1, 50000}, {1, 7}, random);
}

TEST(ResizeAndCrop, IsTorchvisionsCenterOfLibtorchsPixels) {
  std::mt19937 random(5);
  for (const auto interpolation : kBoth) {
    for (const auto& [height, width] : {Size{37, 50}, {50, 37}, {1, 9}, {64, 64}, {100, 31}, {3, 200}}) {
      for (const auto& [length, crop] : {std::pair<int64_t, int64_t>{32, 28}, {33, 28}, {28, 33}, {40, 90}, {5, 5}}) {
        const auto picture = exact_copy(noise(height * width * 3, random));
        const auto view = at::from_blob(picture.get(), {height, width, 3}, at::kByte);
        const Preprocess preprocess{length, crop, interpolation};
        const auto got = resize_and_crop({view}, preprocess)[0];

        const auto shorter = std::min(height, width);
        auto expected = by_libtorch(view, length * height / shorter, length * width / shorter, interpolation);
        for (const int64_t axis : {0, 1}) {
          const auto missing = std::max<int64_t>(0, crop - expected.size(axis));
          const auto black = [&](int64_t pixels) {
            auto sizes = expected.sizes().vec();
            sizes[axis] = pixels;
            return at::zeros(sizes, at::kByte);
          };
          expected = at::cat({black(missing / 2), expected, black(missing - missing / 2)}, axis);
          const auto first = std::nearbyint(static_cast<double>(expected.size(axis) - crop) / 2);
          expected = expected.narrow(axis, static_cast<int64_t>(first), crop);
        }
        EXPECT_TRUE(at::equal(got, expected)) << height << " x " << width << " -> " << length << ", " << crop;
      }
    }
  }
}

TEST(ResizeAndCrop, APictureThatGrowsLargeIsComputedWhereTheCropIsAlone) {
  const auto picture = exact_copy(std::vector<uint8_t>(50000 * 3, 9));
  const auto view = at::from_blob(picture.get(), {1, 50000, 3}, at::kByte);
  const auto before = resident_bytes();
  for (const auto interpolation : kBoth) {
    const auto out = resize_and_crop({view}, {128, 224, interpolation});  // 128 x 6400000
    EXPECT_EQ((out == 9).sum().item<int64_t>(), 128 * 224 * 3);
  }
  if (kMeasurableMemory) {
    EXPECT_LT(resident_bytes() - before, 16 << 20);
  }
}

}  // namespace resnet
