#include "inference/convolve.h"

#include <algorithm>

#include "rounding.h"
#include "runtime/intra_op_pool.h"

namespace resnet {
namespace {

using kernels::kPanel;

/// What a task reads repeatedly should fit into a core's own cache.
constexpr int64_t kCacheBytes = int64_t{192} << 10;

}  // namespace

void convolve(const kernels::Kernels& kernels, const ConvolutionTask& convolution) {
  const auto& [step, packed, input, output, shortcut, first, count, shortcut_scale, border] = convolution;
  const auto size = bytes_of(kernels.element);

  kernels::ConvRow row_template{};
  row_template.input_pixel_stride = step.stride * input.map.pixel_bytes;
  row_template.input_row_stride = input.map.row_bytes();
  row_template.window_rows = step.kernel;
  row_template.row_words = packed.row_words;
  row_template.shortcut_scale = shortcut_scale;
  row_template.output_stride = output.map.pixel_bytes;
  row_template.pixels = output.map.width;
  row_template.relu = step.relu;

  auto& pool = IntraOpPool::current();
  const auto threads = pool.threads();
  // Rows of a task: few enough that their input stays in the cache for all panels and that all threads have work.
  const auto rows = output.map.height;
  const auto input_row = step.stride * input.map.row_bytes();
  const auto balanced_rows = ceil_div(rows * count * packed.panels, 8 * threads);
  const auto block_rows =
      std::clamp<int64_t>(std::min(kCacheBytes / std::max<int64_t>(1, input_row), balanced_rows), 1, rows);
  const auto blocks = ceil_div(rows, block_rows);
  // The larger of weights and input is read once, the other repeatedly.
  const bool panel_by_panel = packed.panels * packed.panel_bytes > kCacheBytes * 2;

  const auto groups = std::min(threads, count);
  const auto group_blocks = blocks * (count / groups);

  pool.run(blocks * count * packed.panels, [&](int64_t task) {
    auto row = row_template;
    auto panel = task % packed.panels;
    auto block = task / packed.panels;
    if (panel_by_panel) {
      // In a batch, each thread works on the images that it wrote in the step before.
      const auto group = std::min(block / group_blocks, groups - 1);
      const auto from = group * group_blocks;
      const auto blocks_of_group = group == groups - 1 ? blocks * count - from : group_blocks;
      const auto within = task - from * packed.panels;
      panel = within / blocks_of_group;
      block = from + within % blocks_of_group;
    }
    const auto image = first + block / blocks;
    const auto offset = panel * kPanel * size;
    row.weights = static_cast<const char*>(packed.weights.const_data_ptr()) + panel * packed.panel_bytes;
    row.scale = packed.scale.const_data_ptr<float>() + panel * kPanel;
    row.bias = packed.bias.const_data_ptr<float>() + panel * kPanel;
    const auto begin = block % blocks * block_rows;
    for (auto y = begin; y < std::min(rows, begin + block_rows); y++) {
      row.input = input.pixel(image, y * step.stride - step.padding, -step.padding);
      row.output = output.pixel(image, y, 0) + offset;
      if (step.shortcut) row.shortcut = shortcut.pixel(image, y, 0) + offset;
      kernels.conv(row);
      output.fill_border(image, y, offset, kPanel * size, border);
    }
  });
}

}  // namespace resnet
