#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace resnet {

/// The inference threads: one set for the process, shared by every JavaScript thread.
///
/// libtorch's CPU kernels are parallel inside, and OpenMP keeps a team of threads for each thread that calls
/// them. Forwards from Node's own pool would make four teams that fight for the same cores; here each stream is
/// one thread with one team, and work is taken in order of arrival.
class InferenceThreads {
 public:
  static InferenceThreads& shared();

  /// One thread for resizing and cropping pictures, which takes well under a millisecond and one core: the pictures of
  /// the next batch do not wait for the forward of this one.
  static InferenceThreads& cropping();

  /// Stops both, for good.
  static void stop_all();

  InferenceThreads() = default;  ///< for tests; all others use one of the two above
  ~InferenceThreads() { stop(); }
  InferenceThreads(const InferenceThreads&) = delete;
  InferenceThreads& operator=(const InferenceThreads&) = delete;

  /// Runs `work` on a stream with that many threads inside (0: all usable cores over the number of streams). Our own
  /// kernels take fewer while other streams are at work: from one step to the next, each has its part of the cores.
  /// `work` must not throw. After stop() it is dropped without being run.
  void submit(std::function<void()> work, int threads = 0);

  /// Makes sure that at least this many streams exist.
  /// @throws Error ERR_NATIVE where the system allows no more threads
  void ensure(int streams);

  [[nodiscard]] int count();

  /// Interrupts what runs, drops what waits and ends the threads. To be called while the process is still whole:
  /// exit handlers destroy what libtorch has made on the way (oneDNN's cache of primitives) under a running forward.
  void stop();

  /// True once the process is ending: long work should end early.
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
  std::atomic<int> at_work_{0};
};

}  // namespace resnet
