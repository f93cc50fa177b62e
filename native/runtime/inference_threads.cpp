#include "runtime/inference_threads.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>

#include "error.h"
#include "runtime/intra_op_pool.h"
#include "system/cores.h"

namespace resnet {

namespace {

/// Never destroyed, because a thread may still be running while static objects are destroyed. They are stopped instead:
/// by lib/native/addon.ts before the process ends, or at the latest by the exit handler.
InferenceThreads& make_threads() {
  static const int registered = std::atexit(InferenceThreads::stop_all);
  static_cast<void>(registered);
  return *new InferenceThreads;
}

}  // namespace

InferenceThreads& InferenceThreads::shared() {
  static auto& threads = make_threads();
  return threads;
}

InferenceThreads& InferenceThreads::cropping() {
  static auto& threads = make_threads();
  return threads;
}

InferenceThreads& InferenceThreads::training() {
  static auto& threads = make_threads();
  return threads;
}

void InferenceThreads::stop_all() {
  shared().stop();
  cropping().stop();
  training().stop();
}

void InferenceThreads::submit(std::function<void()> work, int threads) {
  ensure(1);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    queue_.push_back({std::move(work), threads});
  }
  arrived_.notify_one();
}

void InferenceThreads::ensure(int count) {
  const std::lock_guard lock(mutex_);
  while (!stopping_ && static_cast<int>(threads_.size()) < count) {
    try {
      threads_.emplace_back([this] { serve(); });
    } catch (const std::system_error& error) {
      throw Error("ERR_NATIVE", std::string("An inference thread cannot be started: ") + error.what() + ".");
    }
  }
}

int InferenceThreads::count() {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(threads_.size());
}

void InferenceThreads::serve() {
  IntraOpPool::current().share_cores(running_);
  at::get_num_threads();  // the first call in a thread sets libtorch's default, which would overwrite ours later
  int current = 0;
  while (true) {
    Work work;
    int inference_threads = 1;
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
      inference_threads = std::max(1, static_cast<int>(threads_.size()));
    }
    const int threads = work.threads > 0 ? work.threads : std::max(1, usable_cores() / inference_threads);
    if (threads != current) at::set_num_threads(current = threads);
    running_++;
    work.run();
    running_--;
  }
}

void InferenceThreads::stop() {
  std::deque<Work> dropped;
  std::vector<std::thread> ending;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
    ending.swap(threads_);
  }
  arrived_.notify_all();
  dropped.clear();
  for (auto& thread : ending) thread.join();
}

}  // namespace resnet
