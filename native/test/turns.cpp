#include "runtime/turns.h"

#include <memory>
#include <vector>

#include "test/support.h"

namespace resnet {

TEST(Turns, CountsWhatIsAnnouncedAndNotEnded) {
  Turns turns;
  EXPECT_EQ(turns.count(), 0);
  {
    const Turns::Turn first(turns);
    const Turns::Turn second(turns);
    EXPECT_EQ(turns.count(), 2);
    first.wait();  // nothing is before it
  }
  EXPECT_EQ(turns.count(), 0);
}

TEST(Turns, WhoeverWaitsGoesInTheOrderOfAnnouncement) {
  constexpr int kPieces = 16;
  Turns turns;
  std::vector<std::unique_ptr<Turns::Turn>> announced;
  for (int i = 0; i < kPieces; i++) announced.push_back(std::make_unique<Turns::Turn>(turns));
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

TEST(Turns, APieceThatNeverWaitedLetsTheNextOneGo) {
  Turns turns;
  auto dropped = std::make_unique<Turns::Turn>(turns);
  const Turns::Turn next(turns);
  std::thread waiting([&] { next.wait(); });
  dropped.reset();
  waiting.join();
  EXPECT_EQ(turns.count(), 1);
}

TEST(Turns, AreAnnouncedWaitedForAndEndedFromManyThreadsAtOnce) {
  Turns turns;
  int guarded = 0;
  on_threads(8, [&](int) {
    for (int i = 0; i < 200; i++) {
      const Turns::Turn turn(turns);
      turn.wait();
      guarded++;
    }
  });
  EXPECT_EQ(guarded, 8 * 200);
  EXPECT_EQ(turns.count(), 0);
}

}  // namespace resnet
