#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>

namespace resnet {

/// Counts the work in flight on one resource. Work that must run alone waits for its turn, in the order in which the
/// tickets were taken.
class FifoGate {
 public:
  /// A place in the queue, from its construction to its destruction.
  class Ticket {
   public:
    explicit Ticket(FifoGate& gate);
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    /// Blocks until all earlier tickets are destroyed, which must not depend on the calling thread.
    void wait() const;

   private:
    FifoGate& gate_;
    uint64_t number_;
  };

  /// The number of tickets.
  [[nodiscard]] int count() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable ticket_released_;
  std::set<uint64_t> tickets_;
  uint64_t next_number_ = 0;
};

}  // namespace resnet
