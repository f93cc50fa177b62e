#include "image/normalization.h"

namespace resnet {
namespace {

at::Tensor per_channel(const std::array<double, 3>& values, c10::Device device) {
  return at::tensor(at::ArrayRef<double>(values), at::kDouble).to(at::kFloat).view({1, 3, 1, 1}).to(device);
}

}  // namespace

BatchNormalizer::BatchNormalizer(const Normalization& normalization, c10::Device device)
    : mean_(per_channel(normalization.mean, device)), std_(per_channel(normalization.std, device)) {}

at::Tensor BatchNormalizer::operator()(const at::Tensor& pictures) const {
  return pictures.permute({0, 3, 1, 2}).to(at::kFloat).div_(255).sub_(mean_).div_(std_);
}

}  // namespace resnet
