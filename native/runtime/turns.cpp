#include "runtime/turns.h"

namespace resnet {

Turns::Turn::Turn(Turns& turns) : turns_(turns) {
  const std::lock_guard lock(turns_.mutex_);
  number_ = turns_.next_++;
  turns_.alive_.insert(number_);
}

Turns::Turn::~Turn() {
  const std::lock_guard lock(turns_.mutex_);
  turns_.alive_.erase(number_);
  turns_.ended_.notify_all();
}

void Turns::Turn::wait() const {
  std::unique_lock lock(turns_.mutex_);
  turns_.ended_.wait(lock, [this] { return *turns_.alive_.begin() == number_; });
}

int Turns::count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(alive_.size());
}

}  // namespace resnet
