#include "model/trace.h"

#include "model/layers.h"
#include "model/observer.h"

namespace resnet {
namespace {

class Tracer : public Observer {
 public:
  explicit Tracer(const torch::nn::Module& root) : root_(root) {}

  void ran(const torch::nn::Module& layer, const at::Tensor& input, const at::Tensor& output) override {
    if (&layer == &root_) return;
    TraceRow row{layer.name(), input.sizes().vec(), output.sizes().vec(), 0, 0, 0};
    for (const auto& parameter : layer.parameters(/*recurse=*/false)) row.parameters += parameter.numel();
    if (const auto* bn = layer.as<BatchNorm2DImpl>()) {
      row.statistics = bn->running_mean.numel() + bn->running_var.numel();
    }
    if (const auto* conv = layer.as<Conv2DImpl>()) row.multiply_adds = products(conv->weight, output);
    if (const auto* fc = layer.as<LinearImpl>()) row.multiply_adds = products(fc->weight, output);
    rows.push_back(std::move(row));
  }

  std::vector<TraceRow> rows;

 private:
  /// Each output value is a dot product as long as the weight of one output channel.
  static double products(const at::Tensor& weight, const at::Tensor& output) {
    return static_cast<double>(weight.numel() / weight.size(0)) * static_cast<double>(output.numel());
  }

  const torch::nn::Module& root_;
};

}  // namespace

std::vector<TraceRow> trace(const torch::nn::Module& network, const Forward& forward,
                            const std::vector<int64_t>& input_shape) {
  const c10::InferenceMode inference;
  Tracer tracer(network);
  const Observing observing(tracer);
  forward(at::empty(input_shape, at::TensorOptions().device(at::kMeta)));
  return std::move(tracer.rows);
}

}  // namespace resnet
