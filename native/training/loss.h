#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace resnet {

struct LossOptions {
  enum class Kind : std::uint8_t { kCrossEntropy, kBinaryCrossEntropy };

  Kind kind = Kind::kCrossEntropy;
  double label_smoothing = 0;  ///< cross-entropy only, in [0, 1]
  at::Tensor class_weights;    ///< float32 [classes], undefined for none; the positive weight of binary cross-entropy
};

/// The mean loss of a batch, a scalar. torch.nn.CrossEntropyLoss, whose mean is over the weights of the targets'
/// classes where there are any; torch.nn.BCEWithLogitsLoss, whose mean is over pictures and classes.
///
/// @param logits [N, classes]
/// @param target int64 [N], or probabilities [N, classes] of the logits' dtype; binary cross-entropy takes only the
/// second
at::Tensor loss_of(const LossOptions& options, const at::Tensor& logits, const at::Tensor& target);

/// Counts the images whose right class is among the k largest logits. The right class of a row of probabilities is its
/// largest; with binary cross-entropy, any class with a probability of at least 0.5 is right.
int64_t count_correct(const at::Tensor& logits, const at::Tensor& target, int64_t k, LossOptions::Kind kind);

/// @throws Error ERR_ARGUMENT, ERR_DTYPE or ERR_SHAPE unless `target` is one that loss_of takes for `images` images and
///         `classes` classes
void check_target(const LossOptions& options, const at::Tensor& target, int64_t images, int64_t classes);

}  // namespace resnet
