#include "inference/convolve.h"

#include <algorithm>

#include "runtime/intra_op_pool.h"

namespace resnet {
namespace {

using kernels::kPanel;

/// What a task reads again and again should stay in a core's own cache.
constexpr int64_t kCacheBytes = int64_t{192} << 10;

int64_t ceil_div(int64_t value, int64_t by) { return (value + by - 1) / by; }

}  // namespace

void convolve(const kernels::Kernels& kernels, const ConvolutionTask& task) {
  const auto& [step, packed, input, output, shortcut, first, count, shortcut_scale, border] = task;
  const auto size = bytes_of(kernels.element);

  kernels::ConvRow row{};
  row.input_pixel_step = step.stride * input.map.pixel_bytes;
  row.input_row_step = input.map.row_bytes();
  row.window_rows = step.kernel;
  row.row_words = packed.row_words;
  row.shortcut_scale = shortcut_scale;
  row.output_step = output.map.pixel_bytes;
  row.pixels = output.map.width;
  row.relu = step.relu;

  auto& team = IntraOpPool::of_this_thread();
  const auto threads = team.threads();
  // Rows of a piece: few enough that their input stays in the cache for all panels, and that all threads have work.
  const auto rows = output.map.height;
  const auto input_row = step.stride * input.map.row_bytes();
  const auto enough = ceil_div(rows * count * packed.panels, 8 * threads);
  const auto block = std::clamp<int64_t>(std::min(kCacheBytes / std::max<int64_t>(1, input_row), enough), 1, rows);
  const auto blocks = ceil_div(rows, block);
  // Whatever is larger is read once, the other again and again.
  const bool panel_by_panel = packed.panels * packed.panel_bytes > kCacheBytes * 2;

  const auto groups = std::min(threads, count);
  const auto group_places = blocks * (count / groups);

  team.run(blocks * count * packed.panels, [&](int64_t piece) {
    auto one = row;
    auto panel = piece % packed.panels;
    auto place = piece / packed.panels;
    if (panel_by_panel) {
      // Of a batch, each thread has images of its own, which it wrote itself in the step before.
      const auto group = std::min(place / group_places, groups - 1);
      const auto from = group * group_places;
      const auto places = group == groups - 1 ? blocks * count - from : group_places;
      const auto within = piece - from * packed.panels;
      panel = within / places;
      place = from + within % places;
    }
    const auto image = first + place / blocks;
    const auto offset = panel * kPanel * size;
    one.weights = static_cast<const char*>(packed.weights.const_data_ptr()) + panel * packed.panel_bytes;
    one.scale = packed.scale.const_data_ptr<float>() + panel * kPanel;
    one.bias = packed.bias.const_data_ptr<float>() + panel * kPanel;
    const auto begin = place % blocks * block;
    for (auto y = begin; y < std::min(rows, begin + block); y++) {
      one.input = input.pixel(image, y * step.stride - step.padding, -step.padding);
      one.output = output.pixel(image, y, 0) + offset;
      if (step.shortcut) one.shortcut = shortcut.pixel(image, y, 0) + offset;
      kernels.conv(one);
      output.fill_border(image, y, offset, kPanel * size, border);
    }
  });
}

}  // namespace resnet
