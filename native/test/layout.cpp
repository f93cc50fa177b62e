#include "inference/layout.h"

#include "model/resnet.h"
#include "test/support.h"

namespace resnet {
namespace {

struct Place {
  int64_t begin, end;
  [[nodiscard]] bool meets(const Place& other) const { return begin < other.end && other.begin < end; }
};

void expect_nothing_alive_is_overwritten(const Plan& plan, const Layout& layout) {
  const auto last_use = plan.last_uses();
  std::vector<Place> places;
  for (const auto& map : layout.maps) {
    places.push_back({map.offset, map.offset + map.image_bytes() * (map.one_image ? 1 : layout.images)});
    EXPECT_GE(map.offset, 0);
    EXPECT_LE(places.back().end, layout.bytes);
    EXPECT_EQ(map.offset % 64, 0);
  }
  for (std::size_t step = 0; step < plan.steps.size(); step++) {
    const auto operands = operands_of(plan.steps[step]);
    const auto& output = places[operands.output];
    for (ValueId value = 0; value < operands.output; value++) {
      if (!output.meets(places[value])) continue;
      const bool over_its_shortcut = value == operands.shortcut && output.begin == places[value].begin;
      const bool alive = last_use[value] > step || (last_use[value] == step && !over_its_shortcut);
      EXPECT_FALSE(alive) << "step " << step << " overwrites %" << value;
      // The first part runs again for the next image, whose steps must leave this one's result alone.
      const bool left_behind = step < layout.first_batched && !layout.maps[operands.output].one_image;
      EXPECT_FALSE(left_behind) << "step " << step << " is overwritten by the next image's %" << value;
    }
  }
}

}  // namespace

TEST(Layout, NoStepWritesOverWhatIsStillToBeRead) {
  for (const int64_t layers : {18, 34, 50, 152}) {
    const ResNet network(layers, 1000);
    const auto plan = plan_of(*network);
    for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1, 1}, {33, 65}, {224, 224}, {1, 1000}, {641, 7}}) {
      for (const int64_t images : {1, 2, 3, 32}) {
        for (const int64_t element_bytes : {1, 2, 4}) {
          const auto layout = layout_of(plan, height, width, images, element_bytes, 4);
          EXPECT_GE(layout.images, 1);
          EXPECT_LE(layout.images, images);
          expect_nothing_alive_is_overwritten(plan, layout);
        }
      }
    }
  }
}

TEST(Layout, ManyImagesTakeNoMoreThanAPassMay) {
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

TEST(Layout, SizesBeyondAnyMemoryAreWorkedOutWithoutOverflow) {
  const ResNet network(152, 1000);
  const auto plan = plan_of(*network);
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{1 << 19, 1 << 19}, {1, int64_t{1} << 38}}) {
    const auto layout = layout_of(plan, height, width, 1, 4, 3);
    EXPECT_GT(layout.bytes, height * width * 64);
  }
}

}  // namespace resnet
