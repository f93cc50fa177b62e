#include "model/trace.h"

#include "model/layers.h"
#include "model/observer.h"

namespace resnet {
namespace {

class Tracer : public Observer {
 public:
  explicit Tracer(const Layer& network) : network_(network) {}

  void on_forward(const torch::nn::Module& layer, const at::Tensor& input, const at::Tensor& output) override {
    if (&layer == &network_) return;
    TraceRow row{layer.name(), input.sizes().vec(), output.sizes().vec(), 0, 0, 0};
    for (const auto& parameter : layer.parameters(/*recurse=*/false)) row.parameters += parameter.numel();
    if (const auto* bn = layer.as<BatchNorm2DImpl>()) {
      row.statistics = bn->running_mean.numel() + bn->running_var.numel();
    }
    if (const auto* conv = layer.as<Conv2DImpl>()) row.multiply_adds = multiply_adds(conv->weight, output);
    if (const auto* fc = layer.as<LinearImpl>()) row.multiply_adds = multiply_adds(fc->weight, output);
    rows.push_back(std::move(row));
  }

  std::vector<TraceRow> rows;

 private:
  /// Each output value is a dot product with the weights of one output channel.
  static double multiply_adds(const at::Tensor& weight, const at::Tensor& output) {
    return static_cast<double>(weight.numel() / weight.size(0)) * static_cast<double>(output.numel());
  }

  const Layer& network_;
};

}  // namespace

std::vector<TraceRow> trace(Layer& network, const std::vector<int64_t>& input_shape) {
  const c10::InferenceMode inference;
  Tracer tracer(network);
  const ObserverGuard guard(tracer);
  network.forward(at::empty(input_shape, at::TensorOptions().device(at::kMeta)));
  return std::move(tracer.rows);
}

}  // namespace resnet
