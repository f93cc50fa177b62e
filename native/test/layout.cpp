#include "inference/layout.h"

#include "model/resnet.h"
#include "test/support.h"

namespace resnet {
namespace {

struct Interval {
  int64_t begin, end;
  [[nodiscard]] bool overlaps(const Interval& other) const { return begin < other.end && other.begin < end; }
};

void expect_no_live_value_is_overwritten(const Plan& plan, const Layout& layout) {
  const auto last_uses = plan.last_uses();
  std::vector<Interval> extents;
  for (const auto& map : layout.maps) {
    extents.push_back({map.offset, map.offset + map.image_bytes() * (map.one_image ? 1 : layout.images)});
    EXPECT_GE(map.offset, 0);
    EXPECT_LE(extents.back().end, layout.bytes);
    EXPECT_EQ(map.offset % 64, 0);
  }
  for (std::size_t step = 0; step < plan.steps.size(); step++) {
    const auto operands = operands_of(plan.steps[step]);
    const auto& output = extents[operands.output];
    for (ValueId value = 0; value < operands.output; value++) {
      if (!output.overlaps(extents[value])) continue;
      const bool in_place = value == operands.shortcut && output.begin == extents[value].begin;
      const bool is_alive = last_uses[value] > step || (last_uses[value] == step && !in_place);
      EXPECT_FALSE(is_alive) << "step " << step << " overwrites %" << value;
      // The image-by-image steps run again for the next image, and must not touch this one's result.
      const bool outlives_image = step < layout.first_batched && !layout.maps[operands.output].one_image;
      EXPECT_FALSE(outlives_image) << "step " << step << " is overwritten by the next image's %" << value;
    }
  }
}

}  // namespace

TEST(Layout, NoStepOverwritesALiveValue) {
  for (const int64_t layers : {18, 34, 50, 152}) {
    const ResNet network(layers, 1000);
    const auto plan = plan_of(*network);
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {33, 65}, {224, 224}, {1, 1000}, {641, 7}}) {
      for (const int64_t images : {1, 2, 3, 32}) {
        for (const int64_t element_bytes : {1, 2, 4}) {
          const auto layout = layout_of(plan, height, width, images, element_bytes, 4);
          EXPECT_GE(layout.images, 1);
          EXPECT_LE(layout.images, images);
          expect_no_live_value_is_overwritten(plan, layout);
        }
      }
    }
  }
}

TEST(Layout, LargeBatchesAreSplitIntoPasses) {
  for (const int64_t layers : {18, 50}) {
    const ResNet network(layers, 1000);
    const auto plan = plan_of(*network);
    for (const int64_t side : {64, 224, 384}) {
      for (const int64_t element_bytes : {1, 2, 4}) {
        const auto one = layout_of(plan, side, side, 1, element_bytes, 4);
        const auto many = layout_of(plan, side, side, 1000, element_bytes, 4);
        EXPECT_LE(many.bytes, one.bytes + (96 << 20)) << layers << " " << side << " " << element_bytes;
        EXPECT_GT(many.images, 8);
      }
    }
  }
}

TEST(Layout, HugeSizesDoNotOverflow) {
  const ResNet network(152, 1000);
  const auto plan = plan_of(*network);
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1 << 19, 1 << 19}, {1, int64_t{1} << 38}}) {
    const auto layout = layout_of(plan, height, width, 1, 4, 3);
    EXPECT_GT(layout.bytes, height * width * 64);
  }
}

}  // namespace resnet
