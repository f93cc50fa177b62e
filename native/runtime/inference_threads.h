#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace resnet {

/// The threads that run forwards: one set for the process, shared by all JavaScript threads. Work is taken in order of
/// arrival.
///
/// libtorch's CPU kernels are parallel themselves: OpenMP keeps a team of threads for each thread that calls them. On
/// the four threads of Node's own pool, forwards would have four teams competing for the same cores.
class InferenceThreads {
 public:
  static InferenceThreads& shared();

  /// One thread that resizes and crops pictures, so that the next batch does not wait for the forward of this one. A
  /// picture takes well under a millisecond of one core.
  static InferenceThreads& cropping();

  /// The thread that trains: steps of all trainers, one at a time, and whatever else is done with networks that are
  /// being trained.
  static InferenceThreads& training();

  /// Stops all three, for good.
  static void stop_all();

  InferenceThreads() = default;  ///< for tests; everything else uses one of those above
  ~InferenceThreads() { stop(); }
  InferenceThreads(const InferenceThreads&) = delete;
  InferenceThreads& operator=(const InferenceThreads&) = delete;

  /// Queues `work`, which must not throw. After stop() it is dropped.
  /// @param threads for libtorch's kernels and the IntraOpPool inside `work`; 0 for all usable cores divided by
  /// count().
  ///        An IntraOpPool uses fewer while other inference threads are busy.
  void submit(std::function<void()> work, int threads = 0);

  /// Starts threads until there are at least `count`.
  /// @throws Error ERR_NATIVE if the system allows no more threads
  void ensure(int count);

  [[nodiscard]] int count();

  /// Drops queued work, sets stopping() and waits for the running work to end. To be called before exit handlers run:
  /// they destroy objects that libtorch creates lazily (oneDNN's cache of primitives), even under a running forward.
  void stop();

  /// True once the process is ending: long work should return early.
  [[nodiscard]] bool stopping() const noexcept { return stopping_; }

 private:
  struct Work {
    std::function<void()> run;
    int threads;
  };

  void serve();

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Work> queue_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> running_{0};
};

}  // namespace resnet
