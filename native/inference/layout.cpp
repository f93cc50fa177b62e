#include "inference/layout.h"

#include <algorithm>

#include "inference/kernels/kernels.h"

namespace resnet {
namespace {

constexpr int64_t kAlignment = 64;
/// The memory that the batched maps of one pass may take, unless a single image needs more.
constexpr int64_t kMaxBytes = int64_t{96} << 20;

int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

int64_t output_length(int64_t length, int64_t kernel, int64_t stride, int64_t padding) {
  return (length + 2 * padding - kernel) / stride + 1;
}

void shape(const Plan& plan, int64_t element_bytes, std::vector<FeatureMap>& maps) {
  for (const auto& step : plan.steps) {
    if (const auto* conv = std::get_if<Convolution>(&step)) {
      auto& input = maps[conv->input];
      auto& output = maps[conv->output];
      input.padding = std::max(input.padding, conv->padding);
      output.channels = conv->out_channels;
      output.height = output_length(input.height, conv->kernel, conv->stride, conv->padding);
      output.width = output_length(input.width, conv->kernel, conv->stride, conv->padding);
      output.pixel_bytes = output.channels * element_bytes;
    } else if (const auto* pool = std::get_if<MaxPool>(&step)) {
      auto& input = maps[pool->input];
      auto& output = maps[pool->output];
      input.padding = std::max<int64_t>(input.padding, 1);
      output = input;
      output.padding = 0;
      output.height = output_length(input.height, 3, 2, 1);
      output.width = output_length(input.width, 3, 2, 1);
    } else if (const auto* average = std::get_if<GlobalAverage>(&step)) {
      auto& output = maps[average->output];
      output.height = output.width = 1;
      output.channels = maps[average->input].channels;
      output.pixel_bytes = output.channels * static_cast<int64_t>(sizeof(float));
    } else if (const auto* classifier = std::get_if<Classifier>(&step)) {
      auto& output = maps[classifier->output];
      output.height = output.width = 1;
      output.channels = (classifier->out_features + kernels::kPanel - 1) / kernels::kPanel * kernels::kPanel;
      output.pixel_bytes = output.channels * static_cast<int64_t>(sizeof(float));
    }
  }
  // An output is written over its shortcut: both need the same border.
  const auto join = [&](const Step& step) {
    const auto operands = operands_of(step);
    if (!operands.shortcut) return;
    auto& shortcut = maps[*operands.shortcut].padding;
    auto& output = maps[operands.output].padding;
    shortcut = output = std::max(shortcut, output);
  };
  std::for_each(plan.steps.rbegin(), plan.steps.rend(), join);
  std::for_each(plan.steps.begin(), plan.steps.end(), join);
}

/// The first step of the first run of steps whose weights outweigh its maps, between two points where a single value
/// is alive.
std::size_t first_batched(const Plan& plan, const std::vector<FeatureMap>& maps,
                          const std::vector<std::size_t>& last_use, int64_t element_bytes) {
  std::size_t start = 0;
  int64_t weights = 0;
  int64_t activations = 0;
  for (std::size_t i = 0; i < plan.steps.size(); i++) {
    if (std::holds_alternative<GlobalAverage>(plan.steps[i])) return start;
    const auto operands = operands_of(plan.steps[i]);
    activations += maps[operands.output].image_bytes();
    if (const auto* conv = std::get_if<Convolution>(&plan.steps[i])) {
      weights += conv->out_channels * conv->in_channels * conv->kernel * conv->kernel * element_bytes;
    }
    const bool alone = std::none_of(maps.begin(), maps.end(), [&](const FeatureMap& map) {
      const auto value = static_cast<ValueId>(&map - maps.data());
      return value < operands.output && last_use[value] > i;
    });
    if (!alone) continue;
    if (weights > activations) return start;
    start = i + 1;
    weights = activations = 0;
  }
  return start;
}

/// Memory that is handed out in whole blocks and handed back for the next map that fits.
class ArenaPlanner {
 public:
  /// @param fresh in a place that nothing else is ever put into
  int64_t take(int64_t bytes, bool fresh) {
    auto best = free_.end();
    for (auto i = free_.begin(); i != free_.end() && !fresh; ++i) {
      if (i->bytes >= bytes && (best == free_.end() || i->bytes < best->bytes)) best = i;
    }
    if (best != free_.end()) {
      const auto found = *best;
      free_.erase(best);
      taken_.push_back(found);
      return found.offset;
    }
    taken_.push_back({end_, bytes});
    end_ += bytes;
    return taken_.back().offset;
  }

  void give_back(int64_t offset) {
    const auto found =
        std::find_if(taken_.begin(), taken_.end(), [&](const Block& block) { return block.offset == offset; });
    free_.push_back(*found);
    taken_.erase(found);
  }

  [[nodiscard]] int64_t end() const { return end_; }

 private:
  struct Block {
    int64_t offset, bytes;
  };
  std::vector<Block> free_, taken_;
  int64_t end_ = 0;
};

int64_t place(const Plan& plan, std::vector<FeatureMap>& maps, const std::vector<std::size_t>& last_use, int64_t images,
              std::size_t first_batched) {
  ArenaPlanner blocks;
  const auto take = [&](FeatureMap& map, bool fresh) {
    map.offset = blocks.take(aligned(map.image_bytes() * (map.one_image ? 1 : images)), fresh);
  };
  take(maps[0], true);
  for (std::size_t i = 0; i < plan.steps.size(); i++) {
    const auto operands = operands_of(plan.steps[i]);
    auto& output = maps[operands.output];
    // The first part is run again for each image, over the same maps; what it leaves behind must not be among them.
    const bool left_behind = i < first_batched && !output.one_image;
    const bool in_place = operands.shortcut && !left_behind;
    if (in_place) {
      output.offset = maps[*operands.shortcut].offset;
    } else {
      take(output, left_behind);
    }
    for (ValueId value = 0; value < operands.output; value++) {
      if (last_use[value] == i && !(in_place && value == operands.shortcut)) blocks.give_back(maps[value].offset);
    }
  }
  return blocks.end();
}

}  // namespace

Layout layout_of(const Plan& plan, int64_t height, int64_t width, int64_t images, int64_t element_bytes,
                 int64_t input_channels) {
  Layout layout{std::vector<FeatureMap>(plan.values), images, 0, 0};
  auto& maps = layout.maps;
  maps[0].channels = input_channels;
  maps[0].height = height;
  maps[0].width = width;
  maps[0].pixel_bytes = input_channels * element_bytes;
  shape(plan, element_bytes, maps);

  const auto last_use = plan.last_uses();
  layout.first_batched = first_batched(plan, maps, last_use, element_bytes);

  for (std::size_t i = 0; i < layout.first_batched; i++) {
    const auto operands = operands_of(plan.steps[i]);
    maps[operands.input].one_image = true;
    if (operands.shortcut) maps[*operands.shortcut].one_image = true;
  }
  // A few images' maps fit in between those of the first part, more do not: what one image takes says little.
  const auto fixed = place(plan, maps, last_use, 0, layout.first_batched);
  while (true) {
    layout.bytes = place(plan, maps, last_use, layout.images, layout.first_batched);
    const auto batched = layout.bytes - fixed;
    if (batched <= kMaxBytes || layout.images == 1) return layout;
    layout.images = std::clamp<int64_t>(layout.images * kMaxBytes / batched, 1, layout.images - 1);
  }
}

}  // namespace resnet
