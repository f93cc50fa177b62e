#include "training/loss.h"

#include <algorithm>
#include <string>

#include "error.h"

namespace resnet {

at::Tensor loss_of(const LossOptions& options, const at::Tensor& logits, const at::Tensor& target) {
  const auto numbers = logits.scalar_type() == at::kDouble ? logits : logits.to(at::kFloat);
  if (options.kind == LossOptions::Kind::kBinaryCrossEntropy) {
    return at::binary_cross_entropy_with_logits(numbers, target, /*weight=*/{}, /*pos_weight=*/options.class_weights);
  }
  constexpr int64_t kIgnoreNone = -100;
  return at::cross_entropy_loss(numbers, target, options.class_weights, at::Reduction::Mean, kIgnoreNone,
                                options.label_smoothing);
}

int64_t count_correct(const at::Tensor& logits, const at::Tensor& target, int64_t k, LossOptions::Kind kind) {
  const auto best = std::get<1>(logits.detach().topk(std::min(k, logits.size(1)), 1));
  if (kind == LossOptions::Kind::kBinaryCrossEntropy) {
    return target.gather(1, best).ge(0.5).any(1).sum().item<int64_t>();
  }
  const auto right = target.dim() == 1 ? target : target.argmax(1);
  return best.eq(right.unsqueeze(1)).any(1).sum().item<int64_t>();
}

void check_target(const LossOptions& options, const at::Tensor& target, int64_t images, int64_t classes) {
  if (target.scalar_type() == at::kLong && options.kind == LossOptions::Kind::kCrossEntropy) {
    if (target.dim() != 1 || target.size(0) != images) {
      throw Error("ERR_SHAPE", "target must have one class for each of the " + std::to_string(images) + " images.");
    }
    const auto [min, max] = at::aminmax(target);
    if (min.item<int64_t>() < 0 || max.item<int64_t>() >= classes) {
      throw Error("ERR_ARGUMENT",
                  "target must be classes from 0 to " + std::to_string(classes - 1) + ", but has " +
                      std::to_string(min.item<int64_t>() < 0 ? min.item<int64_t>() : max.item<int64_t>()) + ".");
    }
    return;
  }
  if (target.scalar_type() != at::kFloat) {
    throw Error("ERR_DTYPE", std::string("target must be ") +
                                 (options.kind == LossOptions::Kind::kCrossEntropy ? "int64 classes or " : "") +
                                 "float32 probabilities, but got " + c10::toString(target.scalar_type()) + ".");
  }
  if (target.dim() != 2 || target.size(0) != images || target.size(1) != classes) {
    throw Error("ERR_SHAPE",
                "target must be of shape [" + std::to_string(images) + ", " + std::to_string(classes) + "].");
  }
  const auto [min, max] = at::aminmax(target);
  if (!(min.item<float>() >= 0 && max.item<float>() <= 1)) {  // also where one is NaN
    throw Error("ERR_ARGUMENT", "target must be probabilities from 0 to 1.");
  }
}

}  // namespace resnet
