#include "runtime/fifo_gate.h"

#include <memory>
#include <vector>

#include "test/support.h"

namespace resnet {

TEST(FifoGate, CountsTickets) {
  FifoGate gate;
  EXPECT_EQ(gate.count(), 0);
  {
    const FifoGate::Ticket first(gate);
    const FifoGate::Ticket second(gate);
    EXPECT_EQ(gate.count(), 2);
    first.wait();  // it is the first
  }
  EXPECT_EQ(gate.count(), 0);
}

TEST(FifoGate, WaitersRunInTheOrderOfTheirTickets) {
  constexpr int kTickets = 16;
  FifoGate gate;
  std::vector<std::unique_ptr<FifoGate::Ticket>> tickets;
  for (int i = 0; i < kTickets; i++) tickets.push_back(std::make_unique<FifoGate::Ticket>(gate));
  std::vector<int> order;  // needs no lock: the gate admits one thread at a time
  on_threads(kTickets, [&](int i) {
    const auto mine = std::move(tickets[kTickets - 1 - i]);
    mine->wait();
    order.push_back(kTickets - 1 - i);
  });
  std::vector<int> expected(kTickets);
  for (int i = 0; i < kTickets; i++) expected[i] = i;
  EXPECT_EQ(order, expected);
}

TEST(FifoGate, ATicketThatNeverWaitedMakesWay) {
  FifoGate gate;
  auto dropped = std::make_unique<FifoGate::Ticket>(gate);
  const FifoGate::Ticket next(gate);
  std::thread waiting([&] { next.wait(); });
  dropped.reset();
  waiting.join();
  EXPECT_EQ(gate.count(), 1);
}

TEST(FifoGate, IsThreadSafe) {
  FifoGate gate;
  int guarded = 0;
  on_threads(8, [&](int) {
    for (int i = 0; i < 200; i++) {
      const FifoGate::Ticket ticket(gate);
      ticket.wait();
      guarded++;
    }
  });
  EXPECT_EQ(guarded, 8 * 200);
  EXPECT_EQ(gate.count(), 0);
}

}  // namespace resnet
