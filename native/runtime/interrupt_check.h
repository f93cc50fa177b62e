#pragma once

#include "model/observer.h"
#include "runtime/interrupt.h"

namespace resnet {

/// Ends an interrupted forward after the layer that is running.
class InterruptCheck : public Observer {
 public:
  explicit InterruptCheck(const Interrupt& interrupt) : interrupt_(interrupt) {}

  void on_forward(const torch::nn::Module&, const at::Tensor&, const at::Tensor&) override {
    check_interrupt(interrupt_);
  }

 private:
  const Interrupt& interrupt_;
};

}  // namespace resnet
