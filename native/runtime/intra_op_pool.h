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

/// The threads that compute one forward: the calling thread and its helpers. Between two steps a helper spins for a
/// moment before it sleeps, so that starting a step costs about a microsecond and an idle process uses no CPU.
class IntraOpPool {
 public:
  /// The pool of the calling thread. Its helpers end with the thread.
  static IntraOpPool& current();

  /// The number of threads of the next run(): at::get_num_threads(), or fewer if share_cores() leaves fewer.
  [[nodiscard]] int64_t threads() const;

  /// From now on divides the usable cores evenly by the number of concurrent forwards.
  /// @param forwards that are running in the process; must outlive the pool
  void share_cores(const std::atomic<int>& forwards) { forwards_ = &forwards; }

  /// Calls task(0) to task(count - 1), each once, on at most threads() threads, and returns when all are done. Each
  /// thread starts with a share of its own, the first thread with the first tasks and so on, and then helps the others:
  /// what a thread wrote in one step is mostly what it reads in the next, from its own cache. The first exception of a
  /// task is rethrown here; tasks that have not started by then are skipped.
  void run(int64_t count, const std::function<void(int64_t)>& task);

  IntraOpPool(const IntraOpPool&) = delete;
  IntraOpPool& operator=(const IntraOpPool&) = delete;
  ~IntraOpPool();

 private:
  IntraOpPool() = default;
  void help(int64_t index, uint32_t seen_round);
  void work_off_shares(int64_t index);

  /// The tasks that one thread starts with. Threads that have finished their own take from it too.
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  std::vector<std::thread> helpers_;
  const std::function<void(int64_t)>* task_ = nullptr;
  const std::atomic<int>* forwards_ = nullptr;  ///< null where the cores are not shared
  std::deque<Share> shares_;                    ///< by thread, the calling thread's first
  int64_t round_threads_ = 0;                   ///< threads in this round; helpers beyond them skip it
  bool ending_ = false;
  std::exception_ptr failure_;  ///< the first exception of this round
  std::mutex failure_mutex_;
  std::atomic<uint32_t> round_{0};            ///< changing it starts the helpers
  std::atomic<uint32_t> working_helpers_{0};  ///< helpers that have not finished this round
};

}  // namespace resnet
