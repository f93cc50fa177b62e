#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace resnet {

/// The threads that share one forward: the calling thread and helpers, which wait briefly awake for the next step
/// and then asleep, so that a step costs a microsecond to hand out and an idle process costs nothing.
class IntraOpPool {
 public:
  /// The calling thread's own. Its helpers end with it.
  static IntraOpPool& of_this_thread();

  /// The threads of the next round: at::get_num_threads(), or fewer where `share_cores` leaves fewer.
  [[nodiscard]] int64_t threads() const;

  /// From now on the usable cores are shared out evenly among as many forwards as this counts.
  void share_cores(const std::atomic<int>& forwards) { forwards_ = &forwards; }

  /// Calls task(0) to task(count - 1), each once, on up to threads() threads. Each begins with a share of
  /// its own, the first with the first tasks and so on, and then helps the others: what a thread wrote in one step it
  /// mostly reads in the next one, out of its own cache. Returns when all are done; what a task throws is thrown here,
  /// and the tasks not yet begun are left out.
  void run(int64_t count, const std::function<void(int64_t)>& task);

  IntraOpPool(const IntraOpPool&) = delete;
  IntraOpPool& operator=(const IntraOpPool&) = delete;
  ~IntraOpPool();

 private:
  IntraOpPool() = default;
  void help(int64_t index, uint32_t seen);
  void take_tasks(int64_t index);

  /// Of a round's tasks, what one thread begins with; whoever is done with its own takes from it as well.
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  std::vector<std::thread> helpers_;
  const std::function<void(int64_t)>* task_ = nullptr;
  const std::atomic<int>* forwards_ = nullptr;  ///< at work in the process; null where that is nobody's concern
  std::deque<Share> shares_;                    ///< by thread; the calling one's is the first
  int64_t wanted_ = 0;                          ///< threads in this round; the other helpers sit it out
  bool ending_ = false;
  std::exception_ptr failure_;  ///< the first one; guarded by failing_
  std::mutex failing_;
  std::atomic<uint32_t> round_{0};    ///< a new number starts the helpers
  std::atomic<uint32_t> working_{0};  ///< helpers that have not finished this round
};

}  // namespace resnet
