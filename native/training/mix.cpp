#include "training/mix.h"

#include "error.h"

namespace resnet {
namespace {

at::Tensor blend(const at::Tensor& x, double lambda) { return x.roll(1, 0).mul_(1 - lambda).add_(x.mul(lambda)); }

}  // namespace

at::Tensor mix_images(const at::Tensor& x, const Mix& mix) {
  if (!mix.box) return blend(x, mix.lambda);
  const auto& box = *mix.box;
  if (!lies_within(box, x.size(2), x.size(3))) {
    throw Error("ERR_ARGUMENT", "mix.box must lie within the " + std::to_string(x.size(3)) + " x " +
                                    std::to_string(x.size(2)) + " pixels of the images.");
  }
  const auto part = [&box](const at::Tensor& images) {
    return images.narrow(2, box.top, box.height).narrow(3, box.left, box.width);
  };
  auto result = x.clone();
  part(result).copy_(part(x).roll(1, 0));
  return result;
}

at::Tensor mix_targets(const at::Tensor& target, const Mix& mix, int64_t classes) {
  const auto probabilities = target.dim() == 1 ? at::one_hot(target, classes) : target;
  return blend(probabilities.to(at::kFloat), mix.lambda);
}

}  // namespace resnet
