#include "inference/optimized.h"

#include <c10/core/InferenceMode.h>

#include "error.h"
#include "inference/cpu_executor.h"
#include "inference/peak.h"
#include "inference/torch_executor.h"
#include "model/class_activation_maps.h"
#include "runtime/input.h"
#include "system/cores.h"

namespace resnet {
namespace {

using DType = OptimizeOptions::DType;
using kernels::Element;

/// What each dtype is on the CPU.
struct OnCpu {
  DType dtype;
  Element element;
  const char* name;
  const char* instructions;
};

constexpr std::array<OnCpu, 3> kOnCpu{{
    {DType::kFloat32, Element::kFloat32, "float32", "AVX-512"},
    {DType::kBFloat16, Element::kBFloat16, "bfloat16", "AVX-512 BF16"},
    {DType::kInt8, Element::kUInt8, "int8", "AVX-512 VNNI"},
}};

const OnCpu& on_cpu(DType dtype) { return kOnCpu[static_cast<std::size_t>(dtype)]; }

at::Tensor copied(const at::Tensor& tensor) { return tensor.detach().to(at::kCPU, at::kFloat, false, /*copy=*/true); }

}  // namespace

double peak_of(DType dtype, double seconds) {
  const auto* kernels = kernels::select(on_cpu(dtype).element);
  return kernels == nullptr ? 0 : measured_peak(*kernels, seconds);
}

Optimized::Optimized(const ResNetImpl& network, c10::Device device, const OptimizeOptions& options,
                     const Interrupt& interrupt)
    : ranges_(options.ranges), weight_(copied(network.fc->weight)), bias_(copied(network.fc->bias)) {
  auto plan = plan_of(network, options.consume);
  text_ = plan.text();
  value_names_ = plan.names();
  const auto& cpu = on_cpu(options.dtype);

  if (!device.is_cpu()) {
    if (options.dtype == DType::kInt8) {
      throw Error("ERR_UNSUPPORTED_DTYPE", "int8 is not supported on " + device.str() + "; bfloat16 and float32 are.");
    }
    const auto dtype = options.dtype == DType::kFloat32 ? at::kFloat : at::kBFloat16;
    executor_ = std::make_unique<TorchExecutor>(std::move(plan), device, dtype, options.normalization);
    executor_name_ = "libtorch, " + device.str();
    return;
  }
  const auto* kernels = kernels::select(cpu.element);
  if (kernels == nullptr && options.dtype == DType::kFloat32) {
    executor_ = std::make_unique<TorchExecutor>(std::move(plan), device, at::kFloat, options.normalization);
    executor_name_ = "libtorch, cpu";
    return;
  }
  if (kernels == nullptr) {
    throw Error("ERR_UNSUPPORTED_DTYPE", std::string(cpu.name) + " needs a processor with " + cpu.instructions +
                                             ", which this one has not; float32 works everywhere.");
  }
  std::vector<QuantParams> quantized;
  if (options.dtype == DType::kInt8) {
    if (ranges_.empty()) {
      ranges_ = calibrate(plan_of(network), options.calibration, options.method, options.normalization, interrupt);
    }
    quantized = quant_params_for(plan, ranges_, options.normalization);
  }
  executor_ = std::make_unique<CpuExecutor>(std::move(plan), *kernels, *kernels::select(Element::kFloat32),
                                            options.normalization, std::move(quantized));
  executor_name_ = kernels->name;
}

int Optimized::threads(int most) const { return most == 0 && executor_->shares_cores() ? usable_cores() : most; }

at::Tensor Optimized::forward(const at::Tensor& x, OutputPoint until, const Interrupt& interrupt) {
  if (x.scalar_type() == at::kByte) {
    check_pictures(x.sizes().vec());
    return executor_->run(x, until, interrupt);
  }
  check_input(x.sizes().vec(), 3);
  return executor_->run(x.to(at::kFloat), until, interrupt);
}

Optimized::Explained Optimized::explain(const at::Tensor& x, std::optional<int64_t> index, const Interrupt& interrupt) {
  const c10::InferenceMode inference;
  const auto map = forward(x, OutputPoint::kMap, interrupt);
  const auto logits = at::linear(map.mean({2, 3}), weight_, bias_);
  // Of equal logits argmax takes the first.
  const auto classes = index ? at::full({map.size(0)}, *index, at::kLong) : logits.argmax(1);
  return {logits, classes, class_activation_maps(weight_, map, classes).contiguous()};
}

}  // namespace resnet
