#include "runtime/network.h"

#include <atomic>

#include "test/support.h"

namespace resnet {
namespace {

const Interrupt kNever{false};

std::shared_ptr<Network> network_of(const Spec& spec) {
  auto network = std::make_shared<Network>(spec);
  network->initialize(1);
  return network;
}

const BlockSpec kBlock{BlockSpec::Type::kBasic, 3, 8, 2};

}  // namespace

TEST(Network, ForwardsInEvalModeRunSideBySide) {
  const auto network = network_of(ResNetSpec{18, 10});
  const auto x = random_tensor({1, 3, 33, 31}, 1);
  const auto expected = Network::InFlight(network).forward(x, kNever);
  on_threads(4, [&](int) {
    const Threads set(1);
    for (int i = 0; i < 3; i++) {
      EXPECT_TRUE(at::allclose(Network::InFlight(network).forward(x, kNever), expected, 1e-5, 1e-6));
    }
  });
  EXPECT_NO_THROW(network->require_idle("to()"));
}

TEST(Network, ForwardsInTrainModeRunInTheOrderOfTheirStart) {
  const auto together = network_of(kBlock);
  const auto alone = network_of(kBlock);
  together->train(true);
  alone->train(true);
  std::vector<std::unique_ptr<Network::InFlight>> started;
  for (int i = 0; i < 8; i++) started.push_back(std::make_unique<Network::InFlight>(together));
  EXPECT_EQ(code_of([&] { together->train(false); }), "ERR_BUSY");
  on_threads(8, [&](int i) {
    const auto mine = std::move(started[i]);
    mine->forward(random_tensor({2, 3, 9, 9}, i), kNever);
  });
  for (int i = 0; i < 8; i++) Network::InFlight(alone).forward(random_tensor({2, 3, 9, 9}, i), kNever);
  const auto got = together->state();
  const auto expected = alone->state();
  for (std::size_t i = 0; i < got.size(); i++) {
    EXPECT_TRUE(at::equal(got[i].second, expected[i].second)) << got[i].first;
  }
}

TEST(Network, AnAbortEndsAForwardAndLeavesItIdle) {
  const auto network = network_of(ResNetSpec{18, 10});
  Interrupt interrupt{false};
  std::thread other([&] { interrupt = true; });
  EXPECT_EQ(code_of([&] {
              while (true) Network::InFlight(network).forward(random_tensor({4, 3, 64, 64}, 1), interrupt);
            }),
            "ERR_ABORTED");
  other.join();
  EXPECT_NO_THROW(network->train(false));
}

TEST(Network, ABatchNormOfASingleValueIsRefusedInTrainMode) {
  const auto network = network_of(kBlock);
  network->train(true);
  EXPECT_EQ(code_of([&] { Network::InFlight(network).forward(random_tensor({1, 3, 2, 1}, 1), kNever); }), "ERR_SHAPE");
}

}  // namespace resnet
