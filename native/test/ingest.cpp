#include "inference/ingest.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "inference/packed.h"
#include "test/support.h"

namespace resnet {
namespace {

using kernels::Element;

constexpr Normalization kNormalization{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
/// -2.2 to 2.9 in steps of 0.02.
constexpr QuantParams kQuantParams{0.02F, 110};

constexpr std::array kElements{Element::kFloat32, Element::kBFloat16, Element::kUInt8};

std::vector<const kernels::Kernels*> supported_kernels() {
  std::vector<const kernels::Kernels*> found;
  for (const auto element : kElements) {
    if (const auto* kernels = kernels::select(element)) found.push_back(kernels);
  }
  return found;
}

uint8_t byte_of(float value) {
  return static_cast<uint8_t>(std::nearbyint(std::clamp(value / kQuantParams.scale + 110, 0.0F, 255.0F)));
}

}  // namespace

TEST(Ingest, BytesAndTheirNormalizedNumbersGiveTheSamePixels) {
  for (const auto* kernels : supported_kernels()) {
    const auto element = kernels->element;
    const Ingest ingest(*kernels, kQuantParams, kNormalization);
    for (const int64_t width : {1, 2, 7, 8, 9, 15, 16, 17, 24, 25, 86}) {
      std::vector<uint8_t> bytes(3 * width);
      for (std::size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<uint8_t>(i * 37);
      // One plane behind the other; the memory ends with the last one.
      std::vector<float> planes(3 * width);
      for (int64_t c = 0; c < 3; c++) {
        for (int64_t x = 0; x < width; x++) {
          const auto value = bytes[3 * x + c] / 255.0 - kNormalization.mean[c];
          planes[c * width + x] = static_cast<float>(value / kNormalization.std[c]);
        }
      }
      const auto row_of_bytes = exact_copy(bytes);
      const auto row_of_numbers = exact_copy(planes);
      const auto size = width * ingest.channels() * bytes_of(element);
      const auto from_bytes = exact_copy(std::vector<char>(size, 1));
      const auto from_numbers = exact_copy(std::vector<char>(size, 2));
      ingest.convert_bytes(row_of_bytes.get(), width, from_bytes.get());
      EXPECT_TRUE(ingest.convert_floats(row_of_numbers.get(), width, width, from_numbers.get()));
      EXPECT_EQ(std::memcmp(from_bytes.get(), from_numbers.get(), size), 0);
      if (element == Element::kUInt8) {
        const auto* last = reinterpret_cast<const uint8_t*>(from_bytes.get()) + 4 * (width - 1);
        EXPECT_EQ(last[2], byte_of(planes.back()));
        EXPECT_EQ(last[3], 110) << "the fourth channel is zero";
      }
    }
  }
}

TEST(Ingest, ClampsToTheRange) {
  const auto* kernels = kernels::select(Element::kUInt8);
  if (kernels == nullptr) GTEST_SKIP() << "this processor lacks the instructions";
  const Ingest ingest(*kernels, kQuantParams, kNormalization);
  for (const auto& [value, element] :
       {std::pair<float, int>{100, 255}, {-100, 0}, {3e38F, 255}, {-3e38F, 0}, {0, 110}}) {
    const auto row = exact_copy(std::vector<float>(3, value));
    const auto to = exact_copy(std::vector<char>(4));
    EXPECT_TRUE(ingest.convert_floats(row.get(), 1, 1, to.get()));
    EXPECT_EQ(static_cast<uint8_t>(to[2]), element) << value;
  }
}

TEST(Ingest, NoticesNumbersThatIntegersCannotRepresent) {
  const auto* kernels = kernels::select(Element::kUInt8);
  if (kernels == nullptr) GTEST_SKIP() << "this processor lacks the instructions";
  const Ingest ingest(*kernels, kQuantParams, kNormalization);
  constexpr auto kInfinity = std::numeric_limits<float>::infinity();
  for (const float value :
       {std::nanf(""), -std::nanf(""), std::numeric_limits<float>::signaling_NaN(), kInfinity, -kInfinity}) {
    for (const int64_t width : {1, 15, 16, 17, 33}) {
      for (int64_t i = 0; i < 3 * width; i++) {
        std::vector<float> planes(3 * width, 1);
        planes[i] = value;
        const auto row = exact_copy(planes);
        const auto to = exact_copy(std::vector<char>(4 * width));
        ASSERT_FALSE(ingest.convert_floats(row.get(), width, width, to.get())) << value << " at " << i;
      }
    }
  }
}

TEST(Ingest, AcceptsExtremeNormalizations) {
  for (const double std : {1e-300, 1e300, -1.0}) {
    for (const auto* kernels : supported_kernels()) {
      const Ingest ingest(*kernels, kQuantParams, {{0, 0, 0}, {std, std, std}});
      const auto row = exact_copy(std::vector<uint8_t>{0, 128, 255});
      const auto to = exact_copy(std::vector<char>(16));
      ingest.convert_bytes(row.get(), 1, to.get());
    }
  }
}

}  // namespace resnet
