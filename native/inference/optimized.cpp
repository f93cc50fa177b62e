#include "inference/optimized.h"

#include <c10/core/InferenceMode.h>

#include "error.h"
#include "inference/cpu_executor.h"
#include "inference/parameters.h"
#include "inference/peak.h"
#include "inference/torch_executor.h"
#include "model/class_activation_maps.h"
#include "runtime/input.h"
#include "system/cores.h"

namespace resnet {
namespace {

using DType = OptimizeOptions::DType;
using kernels::Element;
using kernels::Kernels;

/// What a dtype means for our kernels.
struct KernelDType {
  DType dtype;
  Element element;
  const char* name;
  const char* instructions;  ///< that it needs
};

constexpr std::array<KernelDType, 3> kKernelDTypes{{
    {DType::kFloat32, Element::kFloat32, "float32", "AVX-512"},
    {DType::kBFloat16, Element::kBFloat16, "bfloat16", "AVX-512 BF16"},
    {DType::kInt8, Element::kUInt8, "int8", "AVX-512 VNNI"},
}};

const KernelDType& kernel_dtype(DType dtype) { return kKernelDTypes[static_cast<std::size_t>(dtype)]; }

/// The kernels to compute with; null for libtorch's operators.
const Kernels* choose_kernels(DType dtype, c10::Device device) {
  if (!device.is_cpu()) {
    if (dtype != DType::kInt8) return nullptr;
    throw Error("ERR_UNSUPPORTED_DTYPE", "int8 is not supported on " + device.str() + "; bfloat16 and float32 are.");
  }
  const auto& [_, element, name, instructions] = kernel_dtype(dtype);
  const auto* kernels = kernels::select(element);
  if (kernels == nullptr && dtype != DType::kFloat32) {
    throw Error("ERR_UNSUPPORTED_DTYPE", std::string(name) + " needs a processor with " + instructions +
                                             ", which this one has not; float32 works everywhere.");
  }
  return kernels;
}

std::unique_ptr<Executor> make_executor(const Plan& plan, const ParameterSource& source, const Kernels* kernels,
                                        c10::Device device, const OptimizeOptions& options,
                                        const std::vector<Range>& ranges) {
  const auto& normalization = options.normalization;
  if (kernels == nullptr) {
    const auto dtype = options.dtype == DType::kFloat32 ? at::kFloat : at::kBFloat16;
    return std::make_unique<TorchExecutor>(plan, source, device, dtype, normalization);
  }
  std::vector<QuantParams> quant_params;
  if (options.dtype == DType::kInt8) quant_params = quant_params_for(plan, ranges, normalization);
  return std::make_unique<CpuExecutor>(plan, source, *kernels, *kernels::select(Element::kFloat32), normalization,
                                       std::move(quant_params));
}

std::vector<Range> by_value(const std::unordered_map<std::string, Range>& ranges,
                            const std::vector<std::string>& names) {
  std::vector<Range> result;
  for (const auto& name : names) {
    const auto found = ranges.find(name);
    if (found == ranges.end()) throw Error("ERR_CALIBRATION", "The calibration has no range for " + name + ".");
    result.push_back(found->second);
  }
  return result;
}

at::Tensor copy_to_cpu(const at::Tensor& tensor) {
  return tensor.detach().to(at::kCPU, at::kFloat, /*non_blocking=*/false, /*copy=*/true);
}

}  // namespace

double peak_of(DType dtype, double seconds) {
  const auto* kernels = kernels::select(kernel_dtype(dtype).element);
  return kernels == nullptr ? 0 : measure_peak(*kernels, seconds);
}

OptimizedResNet::OptimizedResNet(const ResNetImpl& network, c10::Device device, const OptimizeOptions& options,
                                 const Interrupt& interrupt)
    : fc_weight_(copy_to_cpu(network.fc->weight)), fc_bias_(copy_to_cpu(network.fc->bias)) {
  const auto plan = plan_of(network);
  plan_text_ = plan.text();
  value_names_ = plan.names();

  const auto* kernels = choose_kernels(options.dtype, device);
  if (options.ranges) {
    ranges_ = by_value(*options.ranges, value_names_);
  } else if (options.dtype == DType::kInt8) {
    const ParameterSource source(network);
    ranges_ = calibrate(plan, source, options.calibration, options.method, options.normalization, interrupt);
  }
  executor_ = make_executor(plan, ParameterSource(network, options.consume), kernels, device, options, ranges_);
}

int OptimizedResNet::threads(int max) const { return max == 0 && executor_->shares_cores() ? usable_cores() : max; }

at::Tensor OptimizedResNet::forward(const at::Tensor& x, OutputPoint output, const Interrupt& interrupt) {
  if (x.scalar_type() == at::kByte) {
    check_pictures(x.sizes().vec());
    return executor_->run(x, output, interrupt);
  }
  check_input(x.sizes().vec(), 3);
  return executor_->run(x.to(at::kFloat), output, interrupt);
}

OptimizedResNet::Explained OptimizedResNet::explain(const at::Tensor& x, std::optional<int64_t> index,
                                                    const Interrupt& interrupt) {
  const c10::InferenceMode inference;
  const auto map = forward(x, OutputPoint::kMap, interrupt);
  const auto logits = at::linear(map.mean({2, 3}), fc_weight_, fc_bias_);
  // argmax returns the first of equal logits.
  const auto classes = index ? at::full({map.size(0)}, *index, at::kLong) : logits.argmax(1);
  return {logits, classes, class_activation_maps(fc_weight_, map, classes).contiguous()};
}

}  // namespace resnet
