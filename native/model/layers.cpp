#include "model/layers.h"

#include "system/persistent_memory.h"

namespace resnet {

Conv2DImpl::Conv2DImpl(int64_t in_channels, int64_t out_channels, int64_t kernel_size, int64_t stride, int64_t padding)
    : Layer("Conv2D"), stride(stride), padding(padding) {
  weight =
      register_parameter("weight", allocate_persistent({out_channels, in_channels, kernel_size, kernel_size}), false);
}

at::Tensor Conv2DImpl::compute(const at::Tensor& x) { return at::conv2d(x, weight, {}, stride, padding); }

at::Tensor Conv2DImpl::compute_meta(const at::Tensor& x) {
  const auto output_length = [&](int64_t length) { return (length + 2 * padding - weight.size(3)) / stride + 1; };
  return x.new_empty({x.size(0), weight.size(0), output_length(x.size(2)), output_length(x.size(3))});
}

BatchNorm2DImpl::BatchNorm2DImpl(int64_t num_features) : Layer("BatchNorm2D") {
  weight = register_parameter("weight", allocate_persistent({num_features}), false);
  bias = register_parameter("bias", allocate_persistent({num_features}), false);
  running_mean = register_buffer("running_mean", allocate_persistent({num_features}));
  running_var = register_buffer("running_var", allocate_persistent({num_features}));
  num_batches_tracked = register_buffer("num_batches_tracked", allocate_persistent({}, at::kLong));
}

at::Tensor BatchNorm2DImpl::compute(const at::Tensor& x) {
  if (is_training()) num_batches_tracked.add_(1);
  return at::batch_norm(x, weight, bias, running_mean, running_var, is_training(), kMomentum, kEpsilon,
                        /*cudnn_enabled=*/true);
}

MaxPool2DImpl::MaxPool2DImpl(int64_t kernel_size, int64_t stride, int64_t padding)
    : Layer("MaxPool2D"), kernel_size(kernel_size), stride(stride), padding(padding) {}

LinearImpl::LinearImpl(int64_t in_features, int64_t out_features) : Layer("Linear") {
  weight = register_parameter("weight", allocate_persistent({out_features, in_features}), false);
  bias = register_parameter("bias", allocate_persistent({out_features}), false);
}

at::Tensor LinearImpl::compute(const at::Tensor& x) { return at::linear(x, weight, bias); }

at::Tensor LinearImpl::compute_meta(const at::Tensor& x) { return x.new_empty({x.size(0), weight.size(0)}); }

}  // namespace resnet
