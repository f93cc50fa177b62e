#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>

namespace resnet {

/// The order in which pieces of work on one thing were announced, for those that must keep to it.
class FifoGate {
 public:
  /// A piece of work, from its announcement to its end.
  class Ticket {
   public:
    explicit Ticket(FifoGate& turns);
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    /// OutputPoint every piece announced before this one has ended. They must be able to end without the caller's
    /// thread.
    void wait() const;

   private:
    FifoGate& gate_;
    uint64_t number_;
  };

  /// Pieces announced and not ended.
  [[nodiscard]] int count() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::set<uint64_t> alive_;
  uint64_t next_ = 0;
};

}  // namespace resnet
