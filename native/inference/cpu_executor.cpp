#include "inference/cpu_executor.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>

#include "runtime/team.h"

namespace resnet {
namespace {

using kernels::Element;
using kernels::kPanel;

/// Workspaces kept for the next forwards: of as many shapes, or for as many forwards at the same time.
constexpr std::size_t kMostIdle = 8;
/// What a task reads again and again should stay in a core's own cache.
constexpr int64_t kCacheBytes = int64_t{192} << 10;

void parallel(int64_t count, const std::function<void(int64_t)>& task) { Team::of_this_thread().run(count, task); }

int64_t divided(int64_t value, int64_t by) { return (value + by - 1) / by; }

}  // namespace

CpuExecutor::CpuExecutor(Plan plan, const kernels::Kernels& kernels, const kernels::Kernels& float_kernels,
                         const Normalisation& normalisation, std::vector<Quantised> quantised)
    : plan_(std::move(plan)),
      kernels_(kernels),
      float_kernels_(float_kernels),
      quantised_(std::move(quantised)),
      input_channels_(kernels.element == Element::kFloat32 ? 3 : 4),
      ingest_(kernels.element, input_channels_, quantised_.empty() ? Quantised{} : quantised_[0], normalisation) {
  quantised_.resize(plan_.values);
  for (auto& step : plan_.steps) {
    Packed packed;
    if (auto* conv = std::get_if<Convolution>(&step)) {
      const auto channels = conv->input == 0 ? input_channels_ : conv->in_channels;
      packed = pack(std::exchange(conv->parameters, nullptr)(), kernels.element, channels, quantised_[conv->input]);
    } else if (auto* classifier = std::get_if<Classifier>(&step)) {
      packed = pack(std::exchange(classifier->parameters, nullptr)(), Element::kFloat32, classifier->in_features);
    }
    if (packed.panels > 0) {
      bytes_ += static_cast<int64_t>(packed.weights.nbytes() + packed.scale.nbytes() + packed.bias.nbytes());
    }
    packed_.push_back(std::move(packed));
  }
}

at::Tensor CpuExecutor::run(const at::Tensor& x, Until until, const Interrupt& interrupt) {
  const bool bytes = x.scalar_type() == at::kByte;
  const auto images = x.size(0);
  const auto height = x.size(bytes ? 1 : 2);
  const auto width = x.size(bytes ? 2 : 3);
  const auto pixels = x.contiguous();
  auto workspace = take(height, width, images);
  const auto& layout = workspace->layout;

  auto steps = plan_.steps.size();
  if (until == Until::kFeatures) steps--;
  const auto last = std::visit([](const auto& step) { return step.output; }, plan_.steps[steps - 1]);
  const auto& result = layout.maps[last];
  const auto length =
      until == Until::kFeatures ? result.channels : std::get<Classifier>(plan_.steps.back()).out_features;
  auto answer = at::empty({images, length}, at::kFloat);

  for (int64_t start = 0; start < images; start += layout.images) {
    const auto count = std::min(layout.images, images - start);
    const auto pass = pixels.narrow(0, start, count);
    for (int64_t image = 0; layout.first_batched > 0 && image < count; image++) {
      ingest(*workspace, pass, image, 1);
      for (std::size_t step = 0; step < layout.first_batched; step++) {
        check_interrupt(interrupt);
        run_step(*workspace, step, image, 1);
      }
    }
    if (layout.first_batched == 0) ingest(*workspace, pass, 0, count);
    for (std::size_t step = layout.first_batched; step < steps; step++) {
      check_interrupt(interrupt);
      run_step(*workspace, step, 0, count);
    }
    for (int64_t image = 0; image < count; image++) {
      std::memcpy(answer.data_ptr<float>() + (start + image) * length,
                  static_cast<const char*>(workspace->memory.data_ptr()) + result.offset + image * result.image_bytes(),
                  length * sizeof(float));
    }
  }
  give_back(std::move(workspace));
  return answer;
}

std::unique_ptr<CpuExecutor::Workspace> CpuExecutor::take(int64_t height, int64_t width, int64_t images) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(idle_.begin(), idle_.end(), [&](const auto& workspace) {
      return workspace->height == height && workspace->width == width && workspace->most_images >= images;
    });
    if (found != idle_.end()) {
      auto workspace = std::move(*found);
      idle_.erase(found);
      return workspace;
    }
  }
  auto layout = layout_of(plan_, height, width, images, bytes_of(kernels_.element), input_channels_);
  auto memory = at::empty({layout.bytes}, at::kByte);
  // One that holds fewer than it was asked for does so for any number, in several passes.
  const auto most = layout.images < images ? std::numeric_limits<int64_t>::max() : images;
  return std::make_unique<Workspace>(Workspace{height, width, most, std::move(layout), std::move(memory)});
}

void CpuExecutor::give_back(std::unique_ptr<Workspace> workspace) {
  const std::lock_guard lock(mutex_);
  idle_.insert(idle_.begin(), std::move(workspace));
  if (idle_.size() > kMostIdle) idle_.pop_back();
}

namespace {

/// A map's memory in a workspace.
struct View {
  View(const Map& map, void* memory) : map(map), memory(static_cast<char*>(memory) + map.offset) {}

  /// A pixel by its place in the map; the border has negative ones and those from height and width on.
  [[nodiscard]] char* pixel(int64_t image, int64_t y, int64_t x) const {
    return memory + (map.one_image ? 0 : image) * map.image_bytes() + (y + map.padding) * map.row_bytes() +
           (x + map.padding) * map.pixel_bytes;
  }

  const Map& map;
  char* memory;
};

/// Fills the border around row y with `byte`: `bytes` of each pixel from `from` on.
void fill_border(const View& view, int64_t image, int64_t y, int64_t from, int64_t bytes, int byte) {
  const auto& map = view.map;
  const auto fill = [&](int64_t row, int64_t begin, int64_t end) {
    for (int64_t x = begin; x < end; x++) std::memset(view.pixel(image, row, x) + from, byte, bytes);
  };
  fill(y, -map.padding, 0);
  fill(y, map.width, map.width + map.padding);
  if (y == 0) {
    for (int64_t row = -map.padding; row < 0; row++) fill(row, -map.padding, map.width + map.padding);
  }
  if (y == map.height - 1) {
    for (int64_t row = map.height; row < map.height + map.padding; row++) {
      fill(row, -map.padding, map.width + map.padding);
    }
  }
}

}  // namespace

void CpuExecutor::ingest(const Workspace& workspace, const at::Tensor& x, int64_t first, int64_t count) const {
  const View view(workspace.layout.maps[0], workspace.memory.data_ptr());
  const auto& map = view.map;
  constexpr int64_t kRows = 16;
  const auto blocks = divided(map.height, kRows);
  parallel(count * blocks, [&](int64_t task) {
    const auto image = first + task / blocks;
    for (auto y = task % blocks * kRows; y < std::min(map.height, (task % blocks + 1) * kRows); y++) {
      fill_border(view, image, y, 0, map.pixel_bytes, quantised_[0].zero);
      char* to = view.pixel(image, y, 0);
      if (x.scalar_type() == at::kByte) {
        ingest_.bytes(x.const_data_ptr<uint8_t>() + (image * map.height + y) * map.width * 3, map.width, to);
      } else {
        const auto plane = map.height * map.width;
        ingest_.floats(x.const_data_ptr<float>() + image * 3 * plane + y * map.width, plane, map.width, to);
      }
    }
  });
}

void CpuExecutor::run_step(const Workspace& workspace, std::size_t step, int64_t first, int64_t count) const {
  std::visit([&](const auto& one) { run_step(workspace, one, packed_[step], first, count); }, plan_.steps[step]);
}

void CpuExecutor::run_step(const Workspace& workspace, const Convolution& step, const Packed& packed, int64_t first,
                           int64_t count) const {
  const auto& maps = workspace.layout.maps;
  auto* memory = workspace.memory.data_ptr();
  const View input(maps[step.input], memory);
  const View output(maps[step.output], memory);
  const View shortcut(maps[step.shortcut.value_or(step.output)], memory);
  const auto& in = quantised_[step.shortcut.value_or(step.output)];
  const auto& out = quantised_[step.output];
  const auto size = bytes_of(kernels_.element);

  kernels::ConvRow row{};
  row.input_pixel_step = step.stride * input.map.pixel_bytes;
  row.input_row_step = input.map.row_bytes();
  row.window_rows = step.kernel;
  row.row_words = packed.row_words;
  row.shortcut_scale = in.scale;
  row.shortcut_zero = static_cast<float>(in.zero);
  row.output_step = output.map.pixel_bytes;
  row.output_inverse = 1 / out.scale;
  row.output_zero = static_cast<float>(out.zero);
  row.pixels = output.map.width;
  row.relu = step.relu;

  // Rows of a task: few enough that their input stays in the cache for all panels, and that all threads have work.
  const auto rows = output.map.height;
  const auto input_row = step.stride * input.map.row_bytes();
  const auto enough = divided(rows * count * packed.panels, 8 * at::get_num_threads());
  const auto block = std::clamp<int64_t>(std::min(kCacheBytes / std::max<int64_t>(1, input_row), enough), 1, rows);
  const auto blocks = divided(rows, block);
  // Whatever is larger is read once, the other again and again.
  const bool panel_by_panel = packed.panels * packed.panel_bytes > kCacheBytes * 2;

  parallel(blocks * count * packed.panels, [&](int64_t task) {
    auto one = row;
    const auto places = blocks * count;
    const auto panel = panel_by_panel ? task / places : task % packed.panels;
    const auto place = panel_by_panel ? task % places : task / packed.panels;
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
      kernels_.conv(one);
      fill_border(output, image, y, offset, kPanel * size, out.zero);
    }
  });
}

void CpuExecutor::run_step(const Workspace& workspace, const MaxPool& step, const Packed&, int64_t first,
                           int64_t count) const {
  const View input(workspace.layout.maps[step.input], workspace.memory.data_ptr());
  const View output(workspace.layout.maps[step.output], workspace.memory.data_ptr());
  const auto rows = output.map.height;
  parallel(count * rows, [&](int64_t task) {
    const auto image = first + task / rows;
    const auto y = task % rows;
    kernels_.max_pool({input.pixel(image, 2 * y - 1, -1), input.map.row_bytes(), output.pixel(image, y, 0),
                       output.map.width, output.map.channels, 2});
    fill_border(output, image, y, 0, output.map.pixel_bytes, 0);
  });
}

void CpuExecutor::run_step(const Workspace& workspace, const GlobalAverage& step, const Packed&, int64_t first,
                           int64_t count) const {
  const View input(workspace.layout.maps[step.input], workspace.memory.data_ptr());
  const View output(workspace.layout.maps[step.output], workspace.memory.data_ptr());
  const auto quantised = quantised_[step.input];
  const auto channels = input.map.channels;
  const auto scale = quantised.scale / static_cast<float>(input.map.height * input.map.width);
  parallel(count, [&](int64_t task) {
    auto* sums = reinterpret_cast<float*>(output.pixel(first + task, 0, 0));
    std::fill_n(sums, channels, 0.0F);
    for (int64_t y = 0; y < input.map.height; y++) {
      kernels_.sum({input.pixel(first + task, y, 0), input.map.width, channels, sums});
    }
    for (int64_t c = 0; c < channels; c++) sums[c] *= scale;
  });
}

void CpuExecutor::run_step(const Workspace& workspace, const Classifier& step, const Packed& packed, int64_t first,
                           int64_t count) const {
  const View input(workspace.layout.maps[step.input], workspace.memory.data_ptr());
  const View output(workspace.layout.maps[step.output], workspace.memory.data_ptr());
  parallel(packed.panels, [&](int64_t panel) {
    kernels::ConvRow row{};
    row.input = input.pixel(first, 0, 0);  // the images' features lie behind each other like the pixels of a row
    row.input_pixel_step = input.map.pixel_bytes;
    row.window_rows = 1;
    row.row_words = packed.row_words;
    row.weights = static_cast<const char*>(packed.weights.const_data_ptr()) + panel * packed.panel_bytes;
    row.bias = packed.bias.const_data_ptr<float>() + panel * kPanel;
    row.output = output.pixel(first, 0, 0) + panel * kPanel * static_cast<int64_t>(sizeof(float));
    row.output_step = output.map.pixel_bytes;
    row.pixels = count;
    float_kernels_.conv(row);
  });
}

}  // namespace resnet
