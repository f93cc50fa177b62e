#include "inference/layout.h"

#include <algorithm>

#include "inference/kernels/kernels.h"
#include "rounding.h"

namespace resnet {
namespace {

constexpr int64_t kAlignment = 64;
/// What the maps of the batched steps may take in one pass, unless a single image needs more.
constexpr int64_t kMaxBatchedBytes = int64_t{96} << 20;

int64_t output_length(int64_t length, int64_t kernel, int64_t stride, int64_t padding) {
  return (length + 2 * padding - kernel) / stride + 1;
}

/// Sets everything but the offsets.
void set_shapes(const Plan& plan, int64_t element_bytes, std::vector<FeatureMap>& maps) {
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
      input.padding = std::max(input.padding, pool->padding);
      output.channels = input.channels;
      output.height = output_length(input.height, pool->kernel, pool->stride, pool->padding);
      output.width = output_length(input.width, pool->kernel, pool->stride, pool->padding);
      output.pixel_bytes = input.pixel_bytes;
    } else if (const auto* average = std::get_if<GlobalAverage>(&step)) {
      auto& output = maps[average->output];
      output.height = output.width = 1;
      output.channels = maps[average->input].channels;
      output.pixel_bytes = output.channels * static_cast<int64_t>(sizeof(float));
    } else if (const auto* classifier = std::get_if<Classifier>(&step)) {
      auto& output = maps[classifier->output];
      output.height = output.width = 1;
      output.channels = round_up(classifier->out_features, kernels::kPanel);
      output.pixel_bytes = output.channels * static_cast<int64_t>(sizeof(float));
    }
  }
  // An output overwrites its shortcut in place, so both need the same border.
  const auto share_border = [&](const Step& step) {
    const auto operands = operands_of(step);
    if (!operands.shortcut) return;
    auto& shortcut = maps[*operands.shortcut].padding;
    auto& output = maps[operands.output].padding;
    shortcut = output = std::max(shortcut, output);
  };
  std::for_each(plan.steps.rbegin(), plan.steps.rend(), share_border);
  std::for_each(plan.steps.begin(), plan.steps.end(), share_border);
}

/// Splits the plan at the points where a single value is alive, and returns the start of the first part whose weights
/// take more memory than its maps.
std::size_t find_first_batched(const Plan& plan, const std::vector<FeatureMap>& maps,
                               const std::vector<std::size_t>& last_uses, int64_t element_bytes) {
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
    const bool only_output_alive = std::none_of(maps.begin(), maps.end(), [&](const FeatureMap& map) {
      const auto value = static_cast<ValueId>(&map - maps.data());
      return value < operands.output && last_uses[value] > i;
    });
    if (!only_output_alive) continue;
    if (weights > activations) return start;
    start = i + 1;
    weights = activations = 0;
  }
  return start;
}

/// Assigns offsets in one arena: best fit among the freed blocks, which stay whole, and otherwise at the end.
class ArenaPlanner {
 public:
  int64_t allocate(int64_t bytes) {
    auto best = free_.end();
    for (auto i = free_.begin(); i != free_.end(); ++i) {
      if (i->bytes >= bytes && (best == free_.end() || i->bytes < best->bytes)) best = i;
    }
    if (best == free_.end()) return append(bytes);
    used_.push_back(*best);
    free_.erase(best);
    return used_.back().offset;
  }

  /// Memory that nothing has used before.
  int64_t append(int64_t bytes) {
    used_.push_back({end_, bytes});
    end_ += bytes;
    return used_.back().offset;
  }

  void free(int64_t offset) {
    const auto found =
        std::find_if(used_.begin(), used_.end(), [&](const Block& block) { return block.offset == offset; });
    free_.push_back(*found);
    used_.erase(found);
  }

  [[nodiscard]] int64_t end() const { return end_; }

 private:
  struct Block {
    int64_t offset, bytes;
  };
  std::vector<Block> free_, used_;
  int64_t end_ = 0;
};

/// Sets the maps' offsets for `images` images in a pass.
/// @returns the bytes of the workspace
int64_t set_offsets(const Plan& plan, std::vector<FeatureMap>& maps, const std::vector<std::size_t>& last_uses,
                    int64_t images, std::size_t first_batched) {
  ArenaPlanner arena;
  const auto bytes_of = [&](const FeatureMap& map) {
    return round_up(map.image_bytes() * (map.one_image ? 1 : images), kAlignment);
  };
  maps[0].offset = arena.append(bytes_of(maps[0]));
  for (std::size_t i = 0; i < plan.steps.size(); i++) {
    const auto operands = operands_of(plan.steps[i]);
    auto& output = maps[operands.output];
    // The image-by-image steps run again for the next image, in the same memory; a map that the batched steps read
    // must lie outside of it.
    const bool outlives_image = i < first_batched && !output.one_image;
    const bool in_place = operands.shortcut && !outlives_image;
    if (in_place) {
      output.offset = maps[*operands.shortcut].offset;
    } else {
      output.offset = outlives_image ? arena.append(bytes_of(output)) : arena.allocate(bytes_of(output));
    }
    for (ValueId value = 0; value < operands.output; value++) {
      if (last_uses[value] == i && !(in_place && value == operands.shortcut)) arena.free(maps[value].offset);
    }
  }
  return arena.end();
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
  set_shapes(plan, element_bytes, maps);

  const auto last_uses = plan.last_uses();
  layout.first_batched = find_first_batched(plan, maps, last_uses, element_bytes);

  for (std::size_t i = 0; i < layout.first_batched; i++) {
    const auto operands = operands_of(plan.steps[i]);
    maps[operands.input].one_image = true;
    if (operands.shortcut) maps[*operands.shortcut].one_image = true;
  }
  // Measured for each number of images, because the maps of a few images fit into gaps that those of more do not.
  const auto fixed = set_offsets(plan, maps, last_uses, /*images=*/0, layout.first_batched);
  while (true) {
    layout.bytes = set_offsets(plan, maps, last_uses, layout.images, layout.first_batched);
    const auto batched = layout.bytes - fixed;
    if (batched <= kMaxBatchedBytes || layout.images == 1) return layout;
    layout.images = std::clamp<int64_t>(layout.images * kMaxBatchedBytes / batched, 1, layout.images - 1);
  }
}

}  // namespace resnet
