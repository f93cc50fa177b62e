#include "training/staged_statistics.h"

namespace resnet {

StagedStatistics::StagedStatistics(const std::vector<BatchNorm2DImpl*>& norms) {
  staged_.reserve(norms.size());
  for (auto* norm : norms) {
    staged_.push_back({norm, norm->running_mean, norm->running_var, norm->num_batches_tracked});
    auto mean = norm->running_mean.clone();
    auto var = norm->running_var.clone();
    auto count = norm->num_batches_tracked.clone();
    norm->running_mean = std::move(mean);
    norm->running_var = std::move(var);
    norm->num_batches_tracked = std::move(count);
    norm->train();
  }
}

StagedStatistics::~StagedStatistics() {
  for (auto& [norm, mean, var, count] : staged_) {
    norm->running_mean = mean;
    norm->running_var = var;
    norm->num_batches_tracked = count;
    norm->eval();
  }
}

void StagedStatistics::commit() {
  for (auto& [norm, mean, var, count] : staged_) {
    mean.copy_(norm->running_mean);
    var.copy_(norm->running_var);
    count.copy_(norm->num_batches_tracked);
  }
}

}  // namespace resnet
