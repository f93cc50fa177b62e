#include "runtime/inference_threads.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/intra_op_pool.h"
#include "system/cores.h"
#include "test/support.h"

namespace resnet {
namespace {

/// Runs `work` on an inference thread and waits for it.
template <class Work>
void run_on(InferenceThreads& inference, const Work& work, int threads = 0) {
  std::promise<void> done;
  inference.submit(
      [&] {
        work();
        done.set_value();
      },
      threads);
  done.get_future().wait();
}

}  // namespace

TEST(InferenceThreads, OneThreadRunsWorkInTheOrderOfArrival) {
  InferenceThreads inference;
  std::vector<int> order;  // needs no lock: one thread writes it
  for (int i = 0; i < 100; i++) inference.submit([&order, i] { order.push_back(i); });
  run_on(inference, [] {});
  EXPECT_EQ(inference.count(), 1);
  for (int i = 0; i < 100; i++) EXPECT_EQ(order.at(i), i);
}

TEST(InferenceThreads, RunEachPieceOfWorkOnce) {
  InferenceThreads inference;
  inference.ensure(3);
  std::atomic<int> ran{0};
  on_threads(6, [&](int) {
    for (int i = 0; i < 50; i++) {
      inference.submit([&] { ran++; });
      inference.ensure(3);
    }
    run_on(inference, [] {});
  });
  EXPECT_EQ(inference.count(), 3);
  inference.ensure(1);
  EXPECT_EQ(inference.count(), 3);
  while (ran < 6 * 50) std::this_thread::yield();
  inference.stop();
  EXPECT_EQ(ran, 6 * 50);
}

TEST(InferenceThreads, WorkRunsWithTheRequestedNumberOfThreads) {
  InferenceThreads inference;
  int threads = 0;
  run_on(inference, [&] { threads = at::get_num_threads(); }, 3);
  EXPECT_EQ(threads, 3);
  run_on(inference, [&] { threads = at::get_num_threads(); });
  EXPECT_EQ(threads, usable_cores());
  inference.ensure(usable_cores() + 1);
  run_on(inference, [&] { threads = at::get_num_threads(); });
  EXPECT_EQ(threads, 1);
}

TEST(InferenceThreads, ConcurrentWorkSharesTheCoresAndLoneWorkHasAll) {
  InferenceThreads inference;
  inference.ensure(2);
  const auto all = usable_cores();
  const auto pool_threads = [] { return IntraOpPool::current().threads(); };
  int64_t alone = 0, concurrent = 0, alone_again = 0;
  run_on(
      inference,
      [&] {
        alone = pool_threads();
        run_on(inference, [&] { concurrent = pool_threads(); }, all);
        // The other thread reports its end with a short delay.
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        do alone_again = pool_threads();
        while (alone_again != all && std::chrono::steady_clock::now() < deadline);
      },
      all);
  EXPECT_EQ(alone, all);
  EXPECT_EQ(concurrent, std::max(1, all / 2));
  EXPECT_EQ(alone_again, all);
}

TEST(InferenceThreads, StopWaitsForRunningWorkAndDropsQueuedWork) {
  InferenceThreads inference;
  std::promise<void> begun;
  bool ended = false;
  inference.submit([&] {
    begun.set_value();
    while (!inference.stopping()) std::this_thread::yield();
    ended = true;
  });
  begun.get_future().wait();
  const auto captured = std::make_shared<int>(1);
  bool ran = false;
  inference.submit([&ran, captured] { ran = true; });
  inference.stop();
  EXPECT_TRUE(ended);
  EXPECT_FALSE(ran);
  EXPECT_EQ(captured.use_count(), 1) << "dropped work is freed";

  inference.submit([&ran, captured] { ran = true; });
  inference.ensure(4);
  inference.stop();
  EXPECT_FALSE(ran);
  EXPECT_EQ(captured.use_count(), 1);
  EXPECT_EQ(inference.count(), 0);
}

TEST(InferenceThreads, MayBeStoppedWhileWorkArrives) {
  for (int round = 0; round < 20; round++) {
    InferenceThreads inference;
    std::atomic<int> ran{0};
    on_threads(4, [&](int i) {
      for (int k = 0; k < 20; k++) inference.submit([&] { ran++; });
      if (i % 2 == 0) inference.stop();
    });
    EXPECT_LE(ran, 80);
  }
}

TEST(InferenceThreads, DroppedWorkMaySubmitMoreWork) {
  struct Resubmit {
    explicit Resubmit(InferenceThreads& inference) : inference(inference) {}
    Resubmit(const Resubmit&) = delete;
    Resubmit& operator=(const Resubmit&) = delete;
    ~Resubmit() {
      inference.submit([] {});
    }
    InferenceThreads& inference;
  };
  InferenceThreads inference;
  std::promise<void> begun;
  inference.submit([&] {
    begun.set_value();
    while (!inference.stopping()) std::this_thread::yield();
  });
  begun.get_future().wait();
  inference.submit([captured = std::make_shared<Resubmit>(inference)] {});
  inference.stop();  // would deadlock if the work were destroyed under the lock
  EXPECT_EQ(inference.count(), 0);
}

}  // namespace resnet
