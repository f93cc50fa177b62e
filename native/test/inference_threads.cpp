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

/// Runs `work` on a stream and waits for it.
template <class Work>
void run_on(InferenceThreads& streams, const Work& work, int threads = 0) {
  std::promise<void> done;
  streams.submit(
      [&] {
        work();
        done.set_value();
      },
      threads);
  done.get_future().wait();
}

}  // namespace

TEST(InferenceThreads, OneStreamTakesWorkInTheOrderOfArrival) {
  InferenceThreads streams;
  std::vector<int> order;  // without a lock: one thread writes it
  for (int i = 0; i < 100; i++) streams.submit([&order, i] { order.push_back(i); });
  run_on(streams, [] {});
  EXPECT_EQ(streams.count(), 1);
  for (int i = 0; i < 100; i++) EXPECT_EQ(order.at(i), i);
}

TEST(InferenceThreads, WorkOfManyThreadsRunsOnceEachOnAsManyStreamsAsThereAre) {
  InferenceThreads streams;
  streams.ensure(3);
  std::atomic<int> ran{0};
  on_threads(6, [&](int) {
    for (int i = 0; i < 50; i++) {
      streams.submit([&] { ran++; });
      streams.ensure(3);
    }
    run_on(streams, [] {});
  });
  EXPECT_EQ(streams.count(), 3);
  streams.ensure(1);
  EXPECT_EQ(streams.count(), 3);
  while (ran < 6 * 50) std::this_thread::yield();
  streams.stop();
  EXPECT_EQ(ran, 6 * 50);
}

TEST(InferenceThreads, EachRunsWithTheThreadsThatItsWorkAsksFor) {
  InferenceThreads streams;
  int threads = 0;
  run_on(streams, [&] { threads = at::get_num_threads(); }, 3);
  EXPECT_EQ(threads, 3);
  run_on(streams, [&] { threads = at::get_num_threads(); });
  EXPECT_EQ(threads, usable_cores());
  streams.ensure(usable_cores() + 1);
  run_on(streams, [&] { threads = at::get_num_threads(); });
  EXPECT_EQ(threads, 1);
}

TEST(InferenceThreads, WorkThatIsAloneHasAllCoresAndSharesThemWithOther) {
  InferenceThreads streams;
  streams.ensure(2);
  const auto all = usable_cores();
  const auto team_threads = [] { return IntraOpPool::of_this_thread().threads(); };
  int64_t alone = 0, beside = 0, alone_again = 0;
  run_on(
      streams,
      [&] {
        alone = team_threads();
        run_on(streams, [&] { beside = team_threads(); }, all);
        // The other stream says that it is done a moment after it has been.
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        do alone_again = team_threads();
        while (alone_again != all && std::chrono::steady_clock::now() < until);
      },
      all);
  EXPECT_EQ(alone, all);
  EXPECT_EQ(beside, std::max(1, all / 2));
  EXPECT_EQ(alone_again, all);
}

TEST(InferenceThreads, StoppingWaitsForWhatRunsAndDropsWhatWaits) {
  InferenceThreads streams;
  std::promise<void> begun;
  bool ended = false;
  streams.submit([&] {
    begun.set_value();
    while (!streams.stopping()) std::this_thread::yield();
    ended = true;
  });
  begun.get_future().wait();
  const auto held = std::make_shared<int>(1);
  bool ran = false;
  streams.submit([&ran, held] { ran = true; });
  streams.stop();
  EXPECT_TRUE(ended);
  EXPECT_FALSE(ran);
  EXPECT_EQ(held.use_count(), 1) << "what was dropped is freed";

  streams.submit([&ran, held] { ran = true; });
  streams.ensure(4);
  streams.stop();
  EXPECT_FALSE(ran);
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(streams.count(), 0);
}

TEST(InferenceThreads, StoppedFromAnywhereWhileWorkArrives) {
  for (int round = 0; round < 20; round++) {
    InferenceThreads streams;
    std::atomic<int> ran{0};
    on_threads(4, [&](int i) {
      for (int k = 0; k < 20; k++) streams.submit([&] { ran++; });
      if (i % 2 == 0) streams.stop();
    });
    EXPECT_LE(ran, 80);
  }
}

TEST(InferenceThreads, ADroppedPieceOfWorkMaySubmitAnother) {
  struct Resubmit {
    explicit Resubmit(InferenceThreads& streams) : streams(streams) {}
    Resubmit(const Resubmit&) = delete;
    Resubmit& operator=(const Resubmit&) = delete;
    ~Resubmit() {
      streams.submit([] {});
    }
    InferenceThreads& streams;
  };
  InferenceThreads streams;
  std::promise<void> begun;
  streams.submit([&] {
    begun.set_value();
    while (!streams.stopping()) std::this_thread::yield();
  });
  begun.get_future().wait();
  streams.submit([held = std::make_shared<Resubmit>(streams)] {});
  streams.stop();  // would never return, were the work dropped under the lock
  EXPECT_EQ(streams.count(), 0);
}

}  // namespace resnet
