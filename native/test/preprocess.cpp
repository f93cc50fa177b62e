#include "image/preprocess.h"

#include "test/support.h"

namespace resnet {
namespace {

constexpr std::array kBoth{Interpolation::kBilinear, Interpolation::kBicubic};

/// A picture in memory of just its size, as lib/image hands it over.
struct Picture {
  Picture(int64_t height, int64_t width, uint8_t value)
      : memory(exact_copy(std::vector<uint8_t>(height * width * 3, value))),
        view(at::from_blob(memory.get(), {height, width, 3}, at::kByte)) {}
  std::unique_ptr<uint8_t[]> memory;
  at::Tensor view;
};

}  // namespace

TEST(Preprocess, PicturesOfEverySizeFillTheCrop) {
  for (const auto interpolation : kBoth) {
    for (const auto& [height, width] :
         {std::pair<int64_t, int64_t>{1, 1}, {1, 5}, {7, 1}, {3, 301}, {255, 257}, {13, 11}, {224, 223}}) {
      for (const auto& [resize, crop] : {std::pair<int64_t, int64_t>{1, 1}, {33, 32}, {32, 33}, {7, 31}, {224, 224}}) {
        const Picture picture(height, width, 200);
        const auto out = resize_and_crop({picture.view, picture.view}, Preprocess{resize, crop, interpolation});
        ASSERT_EQ(out.sizes(), (std::vector<int64_t>{2, crop, crop, 3}));
        // One color stays it wherever the picture reaches; beyond is black.
        EXPECT_EQ(out[1][crop / 2][crop / 2].min().item<int>(), 200);
        EXPECT_TRUE(at::logical_or(out == 200, out == 0).all().item<bool>());
        const auto covered =
            std::min(crop, resize) * std::min(crop, resize * std::max(height, width) / std::min(height, width));
        EXPECT_EQ((out[0] == 200).sum().item<int64_t>(), 3 * covered);
      }
    }
  }
}

TEST(Preprocess, WithoutResizingTheCenterIsLeftAsItIs) {
  Picture picture(5, 9, 0);
  for (int i = 0; i < 5 * 9 * 3; i++) picture.memory[i] = static_cast<uint8_t>(i);
  const auto out = resize_and_crop({picture.view}, Preprocess{5, 3, Interpolation::kBicubic});
  EXPECT_TRUE(at::equal(out[0], picture.view.narrow(0, 1, 3).narrow(1, 3, 3)));
  const auto wider = resize_and_crop({picture.view}, Preprocess{5, 5, Interpolation::kBilinear});
  EXPECT_EQ(wider.sizes(), (std::vector<int64_t>{1, 5, 5, 3}));
  EXPECT_EQ(wider[0][4][4][2].item<int>(), 5 * 9 * 3 - 1 - 2 * 3);
}

TEST(Preprocess, APictureThatWouldBecomeTooLargeIsAnError) {
  const Picture picture(1, 1 << 17, 1);
  for (const auto interpolation : kBoth) {
    EXPECT_EQ(code_of([&] { resize_and_crop({picture.view}, Preprocess{1 << 14, 224, interpolation}); }), "ERR_IMAGE");
  }
}

TEST(Preprocess, SeveralThreadsCropOnePicture) {
  const Picture picture(301, 207, 77);
  on_threads(4, [&](int) {
    const NumThreadsGuard threads_guard(2);
    for (int i = 0; i < 5; i++) {
      const auto out = resize_and_crop({picture.view}, Preprocess{64, 61, Interpolation::kBilinear});
      EXPECT_TRUE((out == 77).all().item<bool>());
    }
  });
}

}  // namespace resnet
