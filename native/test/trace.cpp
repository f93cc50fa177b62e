#include "model/trace.h"

#include <cmath>

#include "runtime/network.h"
#include "test/support.h"

namespace resnet {
namespace {

double multiply_adds(const std::vector<TraceRow>& rows) {
  double sum = 0;
  for (const auto& row : rows) sum += row.multiply_adds;
  return sum;
}

/// A module, an input and the multiply-adds by definition.
struct Case {
  Spec spec;
  std::vector<int64_t> shape;
  double expected;
};

}  // namespace

TEST(Trace, CountsTheMultiplyAddsOfResNet50) {
  const Network network(ResNetSpec{50, 1000}, /*meta=*/true);
  EXPECT_EQ(multiply_adds(network.trace({1, 3, 224, 224})), 4'089'184'256);
  EXPECT_EQ(multiply_adds(network.trace({7, 3, 224, 224})), 7.0 * 4'089'184'256);
}

TEST(Trace, HugeShapesDoNotOverflow) {
  const auto side = int64_t{1} << 20;
  const auto pixels = std::ldexp(1, 40);
  const auto channels = int64_t{1} << 11;
  const auto wide = static_cast<double>(channels);
  const auto basic = BlockSpec::Type::kBasic;
  for (const auto& [spec, shape, expected] : {
           Case{BlockSpec{basic, 1, channels, 1}, {1, 1, side, side}, pixels * wide * (9 + 9 * wide + 1)},
           Case{BlockSpec{basic, 1, 1, 1}, {side, 1, side, 1}, pixels * 18},
           Case{BlockSpec{BlockSpec::Type::kBottleneck, 4, 4, 1}, {1, 4, 1, side}, std::ldexp(1, 20) * (4 + 9 + 4)},
       }) {
    const Network network(spec, /*meta=*/true);
    const auto actual = multiply_adds(network.trace(shape));
    EXPECT_NEAR(actual / expected, 1, 1e-12);
  }
}

TEST(Trace, RejectsInvalidShapes) {
  const Network network(ResNetSpec{18, 10}, /*meta=*/true);
  const auto max = int64_t{1} << 40;
  const auto large = (int64_t{1} << 53) - 1;
  for (const auto& shape : std::vector<std::vector<int64_t>>{{},
                                                             {1, 3, 224},
                                                             {1, 4, 5, 5},
                                                             {0, 3, 5, 5},
                                                             {1, 3, 0, 5},
                                                             {max, 3, 1, 1},
                                                             {large, 3, large, large},
                                                             {1, 3, large, 1},
                                                             {1, 3, -1, -1},
                                                             {1, 3, 1, 1, 1}}) {
    EXPECT_EQ(code_of([&] { static_cast<void>(network.trace(shape)); }), "ERR_SHAPE");
  }
}

TEST(Trace, ConcurrentTracesSeeTheirOwnForwardOnly) {
  const Network network(ResNetSpec{18, 10}, /*meta=*/true);
  on_threads(4, [&](int i) {
    const std::vector<int64_t> shape{i + 1, 3, 64, 64};
    for (int round = 0; round < 5; round++) EXPECT_EQ(network.trace(shape).front().input_shape, shape);
  });
}

}  // namespace resnet
