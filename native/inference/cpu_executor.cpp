#include "inference/cpu_executor.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <stdexcept>

#include "error.h"
#include "inference/convolve.h"
#include "inference/view.h"
#include "rounding.h"
#include "runtime/intra_op_pool.h"
#include "system/persistent_memory.h"

namespace resnet {
namespace {

using kernels::Element;
using kernels::kPanel;

/// Workspaces kept for later forwards, of different shapes or at the same time.
constexpr std::size_t kMaxIdle = 8;
/// Their memory in all: with its border, a map that is one pixel high takes three times its own size.
constexpr int64_t kMaxIdleBytes = int64_t{512} << 20;

void parallel(int64_t count, const std::function<void(int64_t)>& task) { IntraOpPool::current().run(count, task); }

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

bool is_finite(const at::Tensor& values) {
  const auto [min, max] = at::aminmax(values);
  return std::isfinite(min.item<double>()) && std::isfinite(max.item<double>());
}

/// Integers would turn NaN and infinity into plausible numbers.
void check_finite(const Convolution& step, const Parameters& parameters) {
  if (is_finite(parameters.weight) && is_finite(parameters.scale) && is_finite(parameters.bias)) return;
  throw Error("ERR_NOT_FINITE", "int8 needs finite weights, but those of " + step.conv + " or " + step.norm +
                                    " have values that are NaN or infinite.");
}

}  // namespace

CpuExecutor::CpuExecutor(Plan plan, const ParameterSource& source, const kernels::Kernels& kernels,
                         const kernels::Kernels& float_kernels, const Normalization& normalization,
                         std::vector<QuantParams> quant_params)
    : plan_(std::move(plan)),
      kernels_(kernels),
      float_kernels_(float_kernels),
      quant_params_(std::move(quant_params)),
      ingest_(kernels, quant_params_.empty() ? QuantParams{} : quant_params_[0], normalization) {
  idle_.reserve(kMaxIdle + 1);  // so that returning a workspace cannot fail, even during stack unwinding
  quant_params_.resize(plan_.values);
  for (const auto& step : plan_.steps) {
    auto packed = pack_step(step, source);
    if (packed.panels > 0) {
      bytes_ += static_cast<int64_t>(packed.weights.nbytes() + packed.scale.nbytes() + packed.bias.nbytes());
    }
    packed_.push_back(std::move(packed));
  }
}

PackedParameters CpuExecutor::pack_step(const Step& step, const ParameterSource& source) const {
  if (const auto* conv = std::get_if<Convolution>(&step)) {
    const auto parameters = source.read(*conv);
    if (kernels_.element == Element::kUInt8) check_finite(*conv, parameters);
    if (suits_winograd(kernels_, *conv)) return pack_winograd(parameters);
    const auto channels = conv->input == 0 ? ingest_.channels() : conv->in_channels;
    auto packed = pack(parameters, kernels_.element, channels, quant_params_[conv->input]);
    if (kernels_.element == Element::kUInt8) quantize_output(*conv, packed);
    return packed;
  }
  if (const auto* classifier = std::get_if<Classifier>(&step)) {
    return pack(source.read(*classifier), Element::kFloat32, classifier->in_features);
  }
  if (const auto* pool = std::get_if<MaxPool>(&step); pool != nullptr && pool->kernel != kernels::kPoolKernel) {
    throw std::invalid_argument("The kernels pool windows of 3x3 only.");
  }
  return {};
}

void CpuExecutor::quantize_output(const Convolution& conv, PackedParameters& packed) const {
  const auto& output = quant_params_[conv.output];
  packed.scale.div_(output.scale);
  packed.bias.div_(output.scale).add_(output.zero_point);
  if (!conv.shortcut) return;
  const auto& shortcut = quant_params_[*conv.shortcut];
  packed.bias.sub_(static_cast<float>(shortcut.zero_point) * shortcut.scale / output.scale);
}

at::Tensor CpuExecutor::run(const at::Tensor& x, OutputPoint output, const Interrupt& interrupt) {
  const bool is_picture = x.scalar_type() == at::kByte;
  const auto images = x.size(0);
  const auto height = x.size(is_picture ? 1 : 2);
  const auto width = x.size(is_picture ? 2 : 3);
  const auto pixels = x.contiguous();
  const auto workspace = acquire_workspace(height, width, images);
  const auto& layout = workspace->layout;

  const auto steps = plan_.steps_to(output);
  const auto last = operands_of(plan_.steps[steps - 1]).output;
  auto result = empty_result(layout.maps[last], images, output);

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
      copy_result(*workspace, last, image, result[start + image]);
    }
  }
  return result;
}

at::Tensor CpuExecutor::empty_result(const FeatureMap& map, int64_t images, OutputPoint output) const {
  switch (output) {
    case OutputPoint::kLogits:
      return at::empty({images, std::get<Classifier>(plan_.steps.back()).out_features});
    case OutputPoint::kFeatures:
      return at::empty({images, map.channels});
    case OutputPoint::kMap:
      return at::empty({images, map.channels, map.height, map.width});
  }
  return {};
}

CpuExecutor::WorkspaceLease CpuExecutor::acquire_workspace(int64_t height, int64_t width, int64_t images) {
  const auto lease = [this](std::unique_ptr<Workspace> workspace) {
    return WorkspaceLease(workspace.release(),
                          [this](Workspace* returned) { return_workspace(std::unique_ptr<Workspace>(returned)); });
  };
  if (auto workspace = take_idle_workspace(height, width, images)) return lease(std::move(workspace));
  auto layout = layout_of(plan_, height, width, images, bytes_of(kernels_.element), ingest_.channels());
  auto memory = allocate_persistent({layout.bytes}, at::kByte);
  // A layout for fewer images than this forward has takes several passes, and can take any number of them.
  const auto max_images = layout.images < images ? std::numeric_limits<int64_t>::max() : images;
  return lease(std::make_unique<Workspace>(Workspace{height, width, max_images, std::move(layout), std::move(memory)}));
}

std::unique_ptr<CpuExecutor::Workspace> CpuExecutor::take_idle_workspace(int64_t height, int64_t width,
                                                                         int64_t images) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(idle_.begin(), idle_.end(), [&](const auto& workspace) {
    return workspace->height == height && workspace->width == width && workspace->max_images >= images;
  });
  if (found == idle_.end()) return nullptr;
  auto workspace = std::move(*found);
  idle_.erase(found);
  return workspace;
}

void CpuExecutor::return_workspace(std::unique_ptr<Workspace> workspace) {
  const std::lock_guard lock(mutex_);
  idle_.insert(idle_.begin(), std::move(workspace));
  int64_t bytes = 0;
  const auto first_beyond_limit = std::find_if(idle_.begin(), idle_.end(), [&](const auto& idle) {
    bytes += idle->layout.bytes;
    return bytes > kMaxIdleBytes;
  });
  idle_.erase(first_beyond_limit, idle_.end());
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
      view.fill_border(image, y, 0, map.pixel_bytes, quant_params_[0].zero_point);
      char* output = view.pixel(image, y, 0);
      if (x.scalar_type() == at::kByte) {
        ingest_.convert_bytes(x.const_data_ptr<uint8_t>() + (image * map.height + y) * map.width * 3, map.width,
                              output);
      } else {
        const auto plane = map.height * map.width;
        const auto* row = x.const_data_ptr<float>() + image * 3 * plane + y * map.width;
        if (!ingest_.convert_floats(row, plane, map.width, output)) {
          throw Error("ERR_NOT_FINITE", "x must be finite for int8, but has values that are NaN or infinite.");
        }
      }
    }
  });
}

void CpuExecutor::copy_result(const Workspace& workspace, ValueId value, int64_t image,
                              const at::Tensor& result) const {
  const View view(workspace.layout.maps[value], workspace.memory.data_ptr());
  auto* to = result.data_ptr<float>();
  if (result.dim() == 1) {  // features and logits are float32; the logits' last panel may have unused channels
    std::memcpy(to, view.pixel(image, 0, 0), result.nbytes());
    return;
  }
  const auto [scale, zero_point] = quant_params_[value];
  const auto size = bytes_of(kernels_.element);
  for (int64_t c = 0; c < view.map.channels; c++) {
    for (int64_t y = 0; y < view.map.height; y++) {
      for (int64_t x = 0; x < view.map.width; x++) {
        const char* element = view.pixel(image, y, x) + c * size;
        *to++ = (number_of(element, kernels_.element) - static_cast<float>(zero_point)) * scale;
      }
    }
  }
}

void CpuExecutor::run_step(const Workspace& workspace, std::size_t step, int64_t first, int64_t count) const {
  std::visit([&](const auto& operation) { run_step(workspace, operation, packed_[step], first, count); },
             plan_.steps[step]);
}

void CpuExecutor::run_step(const Workspace& workspace, const Convolution& step, const PackedParameters& packed,
                           int64_t first, int64_t count) const {
  const auto view = [&](ValueId value) { return View(workspace.layout.maps[value], workspace.memory.data_ptr()); };
  const auto shortcut = step.shortcut.value_or(step.output);
  const auto& output = quant_params_[step.output];
  const ConvolutionTask task{step,
                             packed,
                             view(step.input),
                             view(step.output),
                             view(shortcut),
                             first,
                             count,
                             quant_params_[shortcut].scale / output.scale,
                             output.zero_point};
  if (suits_winograd(kernels_, step)) {
    convolve_winograd(kernels_, task);
  } else {
    convolve(kernels_, task);
  }
}

void CpuExecutor::run_step(const Workspace& workspace, const MaxPool& step, const PackedParameters&, int64_t first,
                           int64_t count) const {
  const View input(workspace.layout.maps[step.input], workspace.memory.data_ptr());
  const View output(workspace.layout.maps[step.output], workspace.memory.data_ptr());
  const auto rows = output.map.height;
  parallel(count * rows, [&](int64_t task) {
    const auto image = first + task / rows;
    const auto y = task % rows;
    kernels_.max_pool({input.pixel(image, y * step.stride - step.padding, -step.padding), input.map.row_bytes(),
                       output.pixel(image, y, 0), output.map.width, output.map.channels, step.stride});
    output.fill_border(image, y, 0, output.map.pixel_bytes, 0);
  });
}

void CpuExecutor::run_step(const Workspace& workspace, const GlobalAverage& step, const PackedParameters&,
                           int64_t first, int64_t count) const {
  const View input(workspace.layout.maps[step.input], workspace.memory.data_ptr());
  const View output(workspace.layout.maps[step.output], workspace.memory.data_ptr());
  const auto channels = input.map.channels;
  const auto scale = quant_params_[step.input].scale / static_cast<float>(input.map.height * input.map.width);
  parallel(count, [&](int64_t task) {
    auto* sums = reinterpret_cast<float*>(output.pixel(first + task, 0, 0));
    std::fill_n(sums, channels, 0.0F);
    for (int64_t y = 0; y < input.map.height; y++) {
      kernels_.sum({input.pixel(first + task, y, 0), input.map.width, channels, sums});
    }
    for (int64_t c = 0; c < channels; c++) sums[c] *= scale;
  });
}

void CpuExecutor::run_step(const Workspace& workspace, const Classifier& step, const PackedParameters& packed,
                           int64_t first, int64_t count) const {
  const View input(workspace.layout.maps[step.input], workspace.memory.data_ptr());
  const View output(workspace.layout.maps[step.output], workspace.memory.data_ptr());
  parallel(packed.panels, [&](int64_t panel) {
    kernels::ConvRow row{};
    row.input = input.pixel(first, 0, 0);  // the images' features are contiguous, like the pixels of a row
    row.input_pixel_stride = input.map.pixel_bytes;
    row.window_rows = 1;
    row.row_words = packed.row_words;
    row.weights = static_cast<const char*>(packed.weights.const_data_ptr()) + panel * packed.panel_bytes;
    row.bias = packed.bias.const_data_ptr<float>() + panel * kPanel;
    row.output = output.pixel(first, 0, 0) + panel * kPanel * static_cast<int64_t>(sizeof(float));
    row.output_stride = output.map.pixel_bytes;
    row.pixels = count;
    float_kernels_.conv(row);
  });
}

}  // namespace resnet
