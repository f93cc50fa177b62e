#pragma once

#include <vector>

#include "model/layers.h"

namespace resnet {

/// Puts batch norms into train mode and lets them update copies of their running statistics, for as long as it lives.
/// The statistics that the state dict has change only in commit().
class StagedStatistics {
 public:
  explicit StagedStatistics(const std::vector<BatchNorm2DImpl*>& norms);
  ~StagedStatistics();
  StagedStatistics(const StagedStatistics&) = delete;
  StagedStatistics& operator=(const StagedStatistics&) = delete;

  void commit();

 private:
  struct Staged {
    BatchNorm2DImpl* norm;
    at::Tensor mean, var, count;  ///< the state dict's
  };
  std::vector<Staged> staged_;
};

}  // namespace resnet
