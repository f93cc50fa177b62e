#include "runtime/intra_op_pool.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "system/cores.h"
#include "test/support.h"

namespace resnet {
namespace {

/// Like the steps of a network, each task writes its own element without a lock.
void expect_each_once(int64_t count) {
  std::vector<int> times(count);
  IntraOpPool::current().run(count, [&](int64_t i) { times[i]++; });
  EXPECT_EQ(std::count(times.begin(), times.end(), 1), count);
}

}  // namespace

TEST(IntraOpPool, RunsEachTaskOnce) {
  for (const int threads : {1, 2, 4, 3, 1, 4}) {
    const NumThreadsGuard threads_guard(threads);
    for (const int64_t count : {0, 1, 2, 3, 5, 64, 1000}) expect_each_once(count);
  }
}

TEST(IntraOpPool, FinishedThreadsHelpTheOthers) {
  const NumThreadsGuard threads_guard(2);
  for (const int64_t slow : {0, 3, 4, 7}) {
    std::atomic<int64_t> others{0};
    IntraOpPool::current().run(8, [&](int64_t i) {
      if (i != slow) others++;
      // The other thread does all the rest meanwhile, even of this share.
      while (i == slow && others < 7) std::this_thread::yield();
    });
    EXPECT_EQ(others, 7);
  }
}

TEST(IntraOpPool, ConcurrentForwardsShareTheCores) {
  // On its own thread, because a pool cannot stop sharing cores.
  std::thread([] {
    const NumThreadsGuard threads_guard(64);
    std::atomic<int> forwards{1};
    auto& pool = IntraOpPool::current();
    EXPECT_EQ(pool.threads(), 64);
    pool.share_cores(forwards);
    for (const int count : {0, 1, 2, 3, 1000}) {
      forwards = count;
      EXPECT_EQ(pool.threads(), std::max(1, usable_cores() / std::max(1, count)));
      expect_each_once(10);
    }
  }).join();
}

TEST(IntraOpPool, RunsManyShortRounds) {
  const NumThreadsGuard threads_guard(3);
  std::vector<int64_t> sums(7);
  for (int64_t round = 0; round < 3000; round++) {
    IntraOpPool::current().run(7, [&](int64_t i) { sums[i] += round; });
  }
  EXPECT_EQ(sums, std::vector<int64_t>(7, int64_t{3000} * 2999 / 2));
}

TEST(IntraOpPool, SleepingHelpersWakeUp) {
  const NumThreadsGuard threads_guard(2);
  expect_each_once(10);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  expect_each_once(10);
}

TEST(IntraOpPool, RethrowsTheExceptionOfATask) {
  const NumThreadsGuard threads_guard(4);
  auto& pool = IntraOpPool::current();
  for (int64_t failing = 0; failing < 64; failing++) {
    std::string message;
    try {
      pool.run(64, [&](int64_t i) {
        if (i == failing) throw std::runtime_error("task " + std::to_string(i));
      });
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    EXPECT_EQ(message, "task " + std::to_string(failing));
  }
  expect_each_once(64);
}

TEST(IntraOpPool, RethrowsOneOfManyExceptionsAndSkipsTheRest) {
  for (const int threads : {1, 2, 4}) {
    const NumThreadsGuard threads_guard(threads);
    for (int round = 0; round < 50; round++) {
      std::atomic<int64_t> started{0};
      EXPECT_EQ(code_of([&] {
                  IntraOpPool::current().run(10'000, [&](int64_t) {
                    started++;
                    throw Error("ERR_ABORTED", "on purpose");
                  });
                }),
                "ERR_ABORTED");
      EXPECT_LE(started, threads) << "no thread may start a task after one has failed";
      EXPECT_GE(started, 1);
      expect_each_once(5);
    }
  }
}

TEST(IntraOpPool, EachThreadHasItsOwnPool) {
  on_threads(4, [](int) {
    const NumThreadsGuard threads_guard(3);
    for (int round = 0; round < 20; round++) expect_each_once(50);
    EXPECT_THROW(IntraOpPool::current().run(50, [](int64_t) { throw std::bad_alloc(); }), std::bad_alloc);
    expect_each_once(50);
  });
}

TEST(IntraOpPool, AThreadMayEndWithoutUsingItsPool) {
  on_threads(4, [](int) { IntraOpPool::current(); });
}

}  // namespace resnet
