#include "runtime/intra_op_pool.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>

#include "system/cores.h"

namespace resnet {
namespace {

/// About 50 microseconds: longer than the gap between two steps, too short to matter to anybody else.
constexpr int kSpins = 2000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

void wait_while(const std::atomic<uint32_t>& atom, uint32_t value) {
  for (int i = 0; i < kSpins; i++) {
    if (atom.load(std::memory_order_acquire) != value) return;
    pause();
  }
  atom.wait(value, std::memory_order_acquire);
}

}  // namespace

IntraOpPool& IntraOpPool::current() {
  thread_local IntraOpPool pool;
  return pool;
}

int64_t IntraOpPool::threads() const {
  const int max = at::get_num_threads();
  if (forwards_ == nullptr) return max;
  return std::clamp(usable_cores() / std::max(1, forwards_->load(std::memory_order_relaxed)), 1, max);
}

void IntraOpPool::run(int64_t count, const std::function<void(int64_t)>& task) {
  const auto threads = std::min(count, this->threads());
  if (threads <= 1) {
    for (int64_t i = 0; i < count; i++) task(i);
    return;
  }
  while (static_cast<int64_t>(helpers_.size()) < threads - 1) {
    helpers_.emplace_back(
        [this, index = static_cast<int64_t>(helpers_.size()) + 1, seen = round_.load()] { help(index, seen); });
  }
  task_ = &task;
  round_threads_ = threads;
  while (static_cast<int64_t>(shares_.size()) < threads) shares_.emplace_back();
  for (int64_t i = 0; i < threads; i++) {
    shares_[i].next.store(count * i / threads, std::memory_order_relaxed);
    shares_[i].end = count * (i + 1) / threads;
  }
  working_helpers_.store(static_cast<uint32_t>(helpers_.size()), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  work_off_shares(0);
  for (auto left = working_helpers_.load(std::memory_order_acquire); left != 0;
       left = working_helpers_.load(std::memory_order_acquire)) {
    wait_while(working_helpers_, left);
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void IntraOpPool::work_off_shares(int64_t index) {
  for (int64_t other = 0; other < round_threads_; other++) {
    auto& share = shares_[(index + other) % round_threads_];
    for (auto i = share.next.fetch_add(1, std::memory_order_relaxed); i < share.end;
         i = share.next.fetch_add(1, std::memory_order_relaxed)) {
      try {
        (*task_)(i);
      } catch (...) {
        const std::lock_guard lock(failure_mutex_);
        if (!failure_) failure_ = std::current_exception();
        for (int64_t left = 0; left < round_threads_; left++) {
          shares_[left].next.store(shares_[left].end, std::memory_order_relaxed);
        }
      }
    }
  }
}

void IntraOpPool::help(int64_t index, uint32_t seen_round) {
  while (true) {
    wait_while(round_, seen_round);
    seen_round++;
    if (ending_) return;
    if (index < round_threads_) work_off_shares(index);
    if (working_helpers_.fetch_sub(1, std::memory_order_acq_rel) == 1) working_helpers_.notify_one();
  }
}

IntraOpPool::~IntraOpPool() {
  ending_ = true;
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (auto& helper : helpers_) helper.join();
}

}  // namespace resnet
