#include "runtime/fifo_gate.h"

namespace resnet {

FifoGate::Ticket::Ticket(FifoGate& gate) : gate_(gate) {
  const std::lock_guard lock(gate_.mutex_);
  number_ = gate_.next_number_++;
  gate_.tickets_.insert(number_);
}

FifoGate::Ticket::~Ticket() {
  const std::lock_guard lock(gate_.mutex_);
  gate_.tickets_.erase(number_);
  gate_.ticket_released_.notify_all();
}

void FifoGate::Ticket::wait() const {
  std::unique_lock lock(gate_.mutex_);
  gate_.ticket_released_.wait(lock, [this] { return *gate_.tickets_.begin() == number_; });
}

int FifoGate::count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(tickets_.size());
}

}  // namespace resnet
