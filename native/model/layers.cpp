#include "model/layers.h"

#include "model/observer.h"
#include "system/persistent_memory.h"

namespace resnet {

Conv2DImpl::Conv2DImpl(int64_t in_channels, int64_t out_channels, int64_t kernel_size, int64_t stride, int64_t padding)
    : Module("Conv2D"), stride(stride), padding(padding) {
  weight =
      register_parameter("weight", allocate_persistent({out_channels, in_channels, kernel_size, kernel_size}), false);
}

at::Tensor Conv2DImpl::forward(const at::Tensor& x) {
  return notify_observers(*this, x, x.is_meta() ? shape_of_output(x) : at::conv2d(x, weight, {}, stride, padding));
}

at::Tensor Conv2DImpl::shape_of_output(const at::Tensor& x) const {
  const auto out = [&](int64_t length) { return (length + 2 * padding - weight.size(3)) / stride + 1; };
  return x.new_empty({x.size(0), weight.size(0), out(x.size(2)), out(x.size(3))});
}

BatchNorm2DImpl::BatchNorm2DImpl(int64_t num_features) : Module("BatchNorm2D") {
  weight = register_parameter("weight", allocate_persistent({num_features}), false);
  bias = register_parameter("bias", allocate_persistent({num_features}), false);
  running_mean = register_buffer("running_mean", allocate_persistent({num_features}));
  running_var = register_buffer("running_var", allocate_persistent({num_features}));
  num_batches_tracked = register_buffer("num_batches_tracked", allocate_persistent({}, at::kLong));
}

at::Tensor BatchNorm2DImpl::forward(const at::Tensor& x) {
  if (x.is_meta()) return notify_observers(*this, x, at::empty_like(x));
  if (is_training()) num_batches_tracked.add_(1);
  return notify_observers(*this, x,
                          at::batch_norm(x, weight, bias, running_mean, running_var, is_training(), kMomentum, kEpsilon,
                                         /*cudnn_enabled=*/true));
}

ReLUImpl::ReLUImpl() : Module("ReLU") {}

at::Tensor ReLUImpl::forward(const at::Tensor& x) {
  return notify_observers(*this, x, x.is_meta() ? at::empty_like(x) : at::relu(x));
}

MaxPool2DImpl::MaxPool2DImpl(int64_t kernel_size, int64_t stride, int64_t padding)
    : Module("MaxPool2D"), kernel_size(kernel_size), stride(stride), padding(padding) {}

at::Tensor MaxPool2DImpl::forward(const at::Tensor& x) {
  return notify_observers(*this, x, at::max_pool2d(x, kernel_size, stride, padding));
}

AdaptiveAvgPool2DImpl::AdaptiveAvgPool2DImpl() : Module("AdaptiveAvgPool2D") {}

at::Tensor AdaptiveAvgPool2DImpl::forward(const at::Tensor& x) {
  return notify_observers(*this, x, at::adaptive_avg_pool2d(x, {1, 1}));
}

FlattenImpl::FlattenImpl() : Module("Flatten") {}

at::Tensor FlattenImpl::forward(const at::Tensor& x) { return notify_observers(*this, x, at::flatten(x, 1)); }

LinearImpl::LinearImpl(int64_t in_features, int64_t out_features) : Module("Linear") {
  weight = register_parameter("weight", allocate_persistent({out_features, in_features}), false);
  bias = register_parameter("bias", allocate_persistent({out_features}), false);
}

at::Tensor LinearImpl::forward(const at::Tensor& x) {
  return notify_observers(*this, x,
                          x.is_meta() ? x.new_empty({x.size(0), weight.size(0)}) : at::linear(x, weight, bias));
}

}  // namespace resnet
