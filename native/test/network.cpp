#include "runtime/network.h"

#include <atomic>

#include "test/support.h"

namespace resnet {
namespace {

const Interrupt kNever{false};

const BlockSpec kBlock{BlockSpec::Type::kBasic, 3, 8, 2};

}  // namespace

TEST(Network, ForwardsInEvalModeRunConcurrently) {
  const auto network = initialized(ResNetSpec{18, 10});
  const auto x = random_tensor({1, 3, 33, 31}, 1);
  const auto expected = Network::InFlight(network).forward(x, kNever);
  on_threads(4, [&](int) {
    const NumThreadsGuard threads_guard(1);
    for (int i = 0; i < 3; i++) {
      EXPECT_TRUE(at::allclose(Network::InFlight(network).forward(x, kNever), expected, 1e-5, 1e-6));
    }
  });
  EXPECT_NO_THROW(network->require_idle("to()"));
}

TEST(Network, ForwardsInTrainModeRunInTheOrderOfTheirStart) {
  const auto concurrent = initialized(kBlock);
  const auto sequential = initialized(kBlock);
  concurrent->train(true);
  sequential->train(true);
  std::vector<std::unique_ptr<Network::InFlight>> started;
  for (int i = 0; i < 8; i++) started.push_back(std::make_unique<Network::InFlight>(concurrent));
  EXPECT_EQ(code_of([&] { concurrent->train(false); }), "ERR_BUSY");
  on_threads(8, [&](int i) {
    const auto in_flight = std::move(started[i]);
    in_flight->forward(random_tensor({2, 3, 9, 9}, i), kNever);
  });
  for (int i = 0; i < 8; i++) Network::InFlight(sequential).forward(random_tensor({2, 3, 9, 9}, i), kNever);
  const auto actual = concurrent->state();
  const auto expected = sequential->state();
  for (std::size_t i = 0; i < actual.size(); i++) {
    EXPECT_TRUE(at::equal(actual[i].second, expected[i].second)) << actual[i].first;
  }
}

TEST(Network, AnAbortedForwardLeavesTheNetworkIdle) {
  const auto network = initialized(ResNetSpec{18, 10});
  Interrupt interrupt{false};
  std::thread other([&] { interrupt = true; });
  EXPECT_EQ(code_of([&] {
              while (true) Network::InFlight(network).forward(random_tensor({4, 3, 64, 64}, 1), interrupt);
            }),
            "ERR_ABORTED");
  other.join();
  EXPECT_NO_THROW(network->train(false));
}

TEST(Network, TrainModeRejectsABatchNormOverASingleValue) {
  const auto network = initialized(kBlock);
  network->train(true);
  EXPECT_EQ(code_of([&] { Network::InFlight(network).forward(random_tensor({1, 3, 2, 1}, 1), kNever); }), "ERR_SHAPE");
}

}  // namespace resnet
