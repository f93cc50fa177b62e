#include "inference/cpu_executor.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>

#include "inference/convolve.h"
#include "runtime/intra_op_pool.h"
#include "system/persistent_memory.h"

namespace resnet {
namespace {

using kernels::Element;
using kernels::kPanel;

/// Workspaces kept for the next forwards: of as many shapes, or for as many forwards at the same time.
constexpr std::size_t kMaxIdle = 8;
/// What they may hold together: the border of a map one pixel high is twice as large as the map.
constexpr int64_t kMaxIdleBytes = int64_t{512} << 20;

void parallel(int64_t count, const std::function<void(int64_t)>& task) {
  IntraOpPool::of_this_thread().run(count, task);
}

int64_t ceil_div(int64_t value, int64_t by) { return (value + by - 1) / by; }

float number_of(const char* element, Element type) {
  switch (type) {
    case Element::kFloat32:
      return *reinterpret_cast<const float*>(element);
    case Element::kBFloat16:
      return static_cast<float>(*reinterpret_cast<const c10::BFloat16*>(element));
    case Element::kUInt8:
      return *reinterpret_cast<const uint8_t*>(element);
  }
  return 0;
}

}  // namespace

CpuExecutor::CpuExecutor(Plan plan, const kernels::Kernels& kernels, const kernels::Kernels& float_kernels,
                         const Normalization& normalization, std::vector<QuantParams> quantized)
    : plan_(std::move(plan)),
      kernels_(kernels),
      float_kernels_(float_kernels),
      quant_params_(std::move(quantized)),
      ingest_(kernels, quant_params_.empty() ? QuantParams{} : quant_params_[0], normalization) {
  idle_.reserve(kMaxIdle + 1);  // so that giving back, also while an error is on its way, cannot fail
  quant_params_.resize(plan_.values);
  for (auto& step : plan_.steps) {
    Packed packed;
    if (auto* conv = std::get_if<Convolution>(&step)) {
      const auto channels = conv->input == 0 ? ingest_.channels() : conv->in_channels;
      const auto parameters = std::exchange(conv->parameters, nullptr)();
      packed = suits_winograd(kernels, *conv) ? pack_winograd(parameters)
                                              : pack(parameters, kernels.element, channels, quant_params_[conv->input]);
      if (kernels.element == Element::kUInt8) quantize_output(*conv, packed);
    } else if (auto* classifier = std::get_if<Classifier>(&step)) {
      packed = pack(std::exchange(classifier->parameters, nullptr)(), Element::kFloat32, classifier->in_features);
    }
    if (packed.panels > 0) {
      bytes_ += static_cast<int64_t>(packed.weights.nbytes() + packed.scale.nbytes() + packed.bias.nbytes());
    }
    packed_.push_back(std::move(packed));
  }
}

void CpuExecutor::quantize_output(const Convolution& conv, Packed& packed) const {
  const auto& output = quant_params_[conv.output];
  packed.scale.div_(output.scale);
  packed.bias.div_(output.scale).add_(output.zero);
  if (!conv.shortcut) return;
  const auto& shortcut = quant_params_[*conv.shortcut];
  packed.bias.sub_(static_cast<float>(shortcut.zero) * shortcut.scale / output.scale);
}

at::Tensor CpuExecutor::run(const at::Tensor& x, OutputPoint until, const Interrupt& interrupt) {
  const bool bytes = x.scalar_type() == at::kByte;
  const auto images = x.size(0);
  const auto height = x.size(bytes ? 1 : 2);
  const auto width = x.size(bytes ? 2 : 3);
  const auto pixels = x.contiguous();
  const auto workspace = take(height, width, images);
  const auto& layout = workspace->layout;

  const auto steps = plan_.steps_until(until);
  const auto last = operands_of(plan_.steps[steps - 1]).output;
  auto answer = empty_answer(layout.maps[last], images, until);

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
      copy_out(*workspace, last, image, answer[start + image]);
    }
  }
  return answer;
}

at::Tensor CpuExecutor::empty_answer(const FeatureMap& map, int64_t images, OutputPoint until) const {
  switch (until) {
    case OutputPoint::kLogits:
      return at::empty({images, std::get<Classifier>(plan_.steps.back()).out_features});
    case OutputPoint::kFeatures:
      return at::empty({images, map.channels});
    case OutputPoint::kMap:
      return at::empty({images, map.channels, map.height, map.width});
  }
  return {};
}

CpuExecutor::Lent CpuExecutor::take(int64_t height, int64_t width, int64_t images) {
  const auto lent = [this](std::unique_ptr<Workspace> workspace) {
    return Lent(workspace.release(), [this](Workspace* back) { give_back(std::unique_ptr<Workspace>(back)); });
  };
  if (auto workspace = idle(height, width, images)) return lent(std::move(workspace));
  auto layout = layout_of(plan_, height, width, images, bytes_of(kernels_.element), ingest_.channels());
  auto memory = allocate_persistent({layout.bytes}, at::kByte);
  // One that holds fewer than it was asked for does so for any number, in several passes.
  const auto most = layout.images < images ? std::numeric_limits<int64_t>::max() : images;
  return lent(std::make_unique<Workspace>(Workspace{height, width, most, std::move(layout), std::move(memory)}));
}

std::unique_ptr<CpuExecutor::Workspace> CpuExecutor::idle(int64_t height, int64_t width, int64_t images) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(idle_.begin(), idle_.end(), [&](const auto& workspace) {
    return workspace->height == height && workspace->width == width && workspace->most_images >= images;
  });
  if (found == idle_.end()) return nullptr;
  auto workspace = std::move(*found);
  idle_.erase(found);
  return workspace;
}

void CpuExecutor::give_back(std::unique_ptr<Workspace> workspace) {
  const std::lock_guard lock(mutex_);
  idle_.insert(idle_.begin(), std::move(workspace));
  int64_t bytes = 0;
  const auto first_too_many = std::find_if(idle_.begin(), idle_.end(), [&](const auto& one) {
    bytes += one->layout.bytes;
    return bytes > kMaxIdleBytes;
  });
  idle_.erase(first_too_many, idle_.end());
  if (idle_.size() > kMaxIdle) idle_.pop_back();
}

void CpuExecutor::ingest(const Workspace& workspace, const at::Tensor& x, int64_t first, int64_t count) const {
  const View view(workspace.layout.maps[0], workspace.memory.data_ptr());
  const auto& map = view.map;
  constexpr int64_t kRows = 16;
  const auto blocks = ceil_div(map.height, kRows);
  parallel(count * blocks, [&](int64_t task) {
    const auto image = first + task / blocks;
    for (auto y = task % blocks * kRows; y < std::min(map.height, (task % blocks + 1) * kRows); y++) {
      view.fill_border(image, y, 0, map.pixel_bytes, quant_params_[0].zero);
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

void CpuExecutor::copy_out(const Workspace& workspace, ValueId value, int64_t image, const at::Tensor& answer) const {
  const View view(workspace.layout.maps[value], workspace.memory.data_ptr());
  auto* to = answer.data_ptr<float>();
  if (answer.dim() == 1) {  // of numbers by float_kernels_, whose last channels may fill up a panel
    std::memcpy(to, view.pixel(image, 0, 0), answer.nbytes());
    return;
  }
  const auto [scale, zero] = quant_params_[value];
  const auto size = bytes_of(kernels_.element);
  for (int64_t c = 0; c < view.map.channels; c++) {
    for (int64_t y = 0; y < view.map.height; y++) {
      for (int64_t x = 0; x < view.map.width; x++) {
        const char* element = view.pixel(image, y, x) + c * size;
        *to++ = (number_of(element, kernels_.element) - static_cast<float>(zero)) * scale;
      }
    }
  }
}

void CpuExecutor::run_step(const Workspace& workspace, std::size_t step, int64_t first, int64_t count) const {
  std::visit([&](const auto& one) { run_step(workspace, one, packed_[step], first, count); }, plan_.steps[step]);
}

void CpuExecutor::run_step(const Workspace& workspace, const Convolution& step, const Packed& packed, int64_t first,
                           int64_t count) const {
  const auto view = [&](ValueId value) { return View(workspace.layout.maps[value], workspace.memory.data_ptr()); };
  const auto shortcut = step.shortcut.value_or(step.output);
  const auto& out = quant_params_[step.output];
  const ConvolutionTask task{step,
                             packed,
                             view(step.input),
                             view(step.output),
                             view(shortcut),
                             first,
                             count,
                             quant_params_[shortcut].scale / out.scale,
                             out.zero};
  if (suits_winograd(kernels_, step)) {
    convolve_winograd(kernels_, task);
  } else {
    convolve(kernels_, task);
  }
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
    output.fill_border(image, y, 0, output.map.pixel_bytes, 0);
  });
}

void CpuExecutor::run_step(const Workspace& workspace, const GlobalAverage& step, const Packed&, int64_t first,
                           int64_t count) const {
  const View input(workspace.layout.maps[step.input], workspace.memory.data_ptr());
  const View output(workspace.layout.maps[step.output], workspace.memory.data_ptr());
  const auto quantized = quant_params_[step.input];
  const auto channels = input.map.channels;
  const auto scale = quantized.scale / static_cast<float>(input.map.height * input.map.width);
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
