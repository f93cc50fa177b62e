#include "runtime/fifo_gate.h"

#include <memory>
#include <vector>

#include "test/support.h"

namespace resnet {

TEST(FifoGate, CountsWhatIsAnnouncedAndNotEnded) {
  FifoGate turns;
  EXPECT_EQ(turns.count(), 0);
  {
    const FifoGate::Ticket first(turns);
    const FifoGate::Ticket second(turns);
    EXPECT_EQ(turns.count(), 2);
    first.wait();  // nothing is before it
  }
  EXPECT_EQ(turns.count(), 0);
}

TEST(FifoGate, WhoeverWaitsGoesInTheOrderOfAnnouncement) {
  constexpr int kPieces = 16;
  FifoGate turns;
  std::vector<std::unique_ptr<FifoGate::Ticket>> announced;
  for (int i = 0; i < kPieces; i++) announced.push_back(std::make_unique<FifoGate::Ticket>(turns));
  std::vector<int> order;  // without a lock: a turn is what guards it
  on_threads(kPieces, [&](int i) {
    const auto mine = std::move(announced[kPieces - 1 - i]);
    mine->wait();
    order.push_back(kPieces - 1 - i);
  });
  std::vector<int> expected(kPieces);
  for (int i = 0; i < kPieces; i++) expected[i] = i;
  EXPECT_EQ(order, expected);
}

TEST(FifoGate, APieceThatNeverWaitedLetsTheNextOneGo) {
  FifoGate turns;
  auto dropped = std::make_unique<FifoGate::Ticket>(turns);
  const FifoGate::Ticket next(turns);
  std::thread waiting([&] { next.wait(); });
  dropped.reset();
  waiting.join();
  EXPECT_EQ(turns.count(), 1);
}

TEST(FifoGate, AreAnnouncedWaitedForAndEndedFromManyThreadsAtOnce) {
  FifoGate turns;
  int guarded = 0;
  on_threads(8, [&](int) {
    for (int i = 0; i < 200; i++) {
      const FifoGate::Ticket turn(turns);
      turn.wait();
      guarded++;
    }
  });
  EXPECT_EQ(guarded, 8 * 200);
  EXPECT_EQ(turns.count(), 0);
}

}  // namespace resnet
