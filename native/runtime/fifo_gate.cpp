#include "runtime/fifo_gate.h"

namespace resnet {

FifoGate::Ticket::Ticket(FifoGate& turns) : gate_(turns) {
  const std::lock_guard lock(gate_.mutex_);
  number_ = gate_.next_++;
  gate_.alive_.insert(number_);
}

FifoGate::Ticket::~Ticket() {
  const std::lock_guard lock(gate_.mutex_);
  gate_.alive_.erase(number_);
  gate_.ended_.notify_all();
}

void FifoGate::Ticket::wait() const {
  std::unique_lock lock(gate_.mutex_);
  gate_.ended_.wait(lock, [this] { return *gate_.alive_.begin() == number_; });
}

int FifoGate::count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(alive_.size());
}

}  // namespace resnet
