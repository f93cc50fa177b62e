#include <torch/csrc/autograd/autograd.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "model/blocks.h"
#include "model/initialize.h"
#include "model/observer.h"
#include "model/resnet.h"
#include "test/support.h"
#include "training/trainer.h"

namespace resnet {
namespace {

const Interrupt kNever{false};

Batch batch_of(int64_t images, int64_t classes, int64_t side = 32) {
  return {random_tensor({images, 3, side, side}, 1), at::arange(images).remainder(classes)};
}

TrainerOptions sgd(double momentum = 0.9) {
  TrainerOptions options;
  options.optimizer = SgdOptions{momentum};
  options.weight_decay = 1e-4;
  return options;
}

using State = std::unordered_map<std::string, at::Tensor>;

State state_of(const Trainer& trainer) {
  const auto state = trainer.state();
  return {state.begin(), state.end()};
}

void expect_equal(const State& actual, const State& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (const auto& [name, value] : expected) ASSERT_TRUE(at::equal(actual.at(name), value)) << name;
}

}  // namespace

TEST(Training, GradientsAreThoseOfFiniteDifferences) {
  for (const bool bottleneck : {false, true}) {
    std::shared_ptr<Layer> block;
    if (bottleneck) {
      block = std::make_shared<BottleneckBlockImpl>(3, 8, 2);
    } else {
      block = std::make_shared<BasicBlockImpl>(3, 4, 2);
    }
    {
      const at::NoGradGuard no_grad;
      initialize(*block, 3);
    }
    block->to(at::kDouble);
    block->train();
    const auto x = random_tensor({3, 3, 5, 4}, 2).to(at::kDouble);
    const auto target = at::tensor({0, 2, 1}, at::kLong);
    const auto loss = [&] { return loss_of({}, block->forward(x).mean({2, 3}), target); };
    std::vector<at::Tensor> parameters;
    for (auto& parameter : block->parameters()) parameters.push_back(parameter.set_requires_grad(true));
    const auto gradients = torch::autograd::grad({loss()}, parameters);
    const at::NoGradGuard no_grad;
    constexpr double kStep = 1e-6;
    for (std::size_t i = 0; i < parameters.size(); i++) {
      auto values = parameters[i].view(-1);
      for (int64_t j = 0; j < values.numel(); j += 1 + values.numel() / 20) {
        const auto value = values[j].item<double>();
        values[j] = value + kStep;
        const auto above = loss().item<double>();
        values[j] = value - kStep;
        const auto below = loss().item<double>();
        values[j] = value;
        EXPECT_NEAR(gradients[i].reshape(-1)[j].item<double>(), (above - below) / (2 * kStep), 1e-6);
      }
    }
  }
}

TEST(Training, LearnsOneBatch) {
  for (const bool adam : {false, true}) {
    auto options = sgd();
    if (adam) options.optimizer = AdamWOptions{};
    Trainer trainer(initialized(ResNetSpec{18, 4}), options);
    const auto batch = batch_of(8, 4);
    StepResult result{};
    for (int i = 0; i < 25; i++) result = trainer.step(batch, {adam ? 1e-3 : 0.02}, kNever);
    EXPECT_LT(result.loss, 0.05);
    EXPECT_EQ(result.correct, 8);
  }
}

TEST(Training, AnAbortedOrFailedStepChangesNothing) {
  auto options = sgd();
  options.ema_decay = 0.9;
  const auto network = initialized(ResNetSpec{18, 4});
  Trainer trainer(network, options);
  const auto batch = batch_of(4, 4, 64);
  trainer.step(batch, {0.01}, kNever);
  trainer.step(batch, {0.01, 2}, kNever);
  const auto before = state_of(trainer);

  // At any moment: the delay grows until a step is through.
  int aborted = 0;
  for (auto delay = std::chrono::microseconds(200);; delay = delay * 3 / 2) {
    Interrupt interrupt{false};
    std::thread other([&] {
      std::this_thread::sleep_for(delay);
      interrupt = true;
    });
    const auto code = code_of([&] { trainer.step(batch, {0.01, 2}, interrupt); });
    other.join();
    if (code.empty()) break;
    ASSERT_EQ(code, "ERR_ABORTED");
    aborted++;
    expect_equal(state_of(trainer), before);
  }
  EXPECT_GT(aborted, 3);

  const auto after = state_of(trainer);
  auto damaged = batch;
  damaged.x = batch.x.clone();
  damaged.x[0][0][0][0] = std::nanf("");
  EXPECT_EQ(code_of([&] { trainer.step(damaged, {0.01}, kNever); }), "ERR_DIVERGED");
  EXPECT_EQ(code_of([&] { trainer.step({batch.x, at::full({4}, 4, at::kLong)}, {0.01}, kNever); }), "ERR_ARGUMENT");
  EXPECT_EQ(code_of([&] { trainer.step({batch.x, at::zeros({3}, at::kLong)}, {0.01}, kNever); }), "ERR_SHAPE");
  EXPECT_EQ(code_of([&] { trainer.step({batch.x, at::zeros({4}, at::kInt)}, {0.01}, kNever); }), "ERR_DTYPE");
  EXPECT_EQ(code_of([&] { trainer.step({at::zeros({1, 3, 1, 1}), at::zeros({1}, at::kLong)}, {0.01}, kNever); }),
            "ERR_SHAPE");
  trainer.gradients(batch, kNever);
  trainer.evaluate(batch, kNever);
  expect_equal(state_of(trainer), after);
  EXPECT_FALSE(network->training());
}

TEST(Training, BackwardCanBeAbortedToo) {
  Trainer trainer(initialized(ResNetSpec{18, 4}), sgd());
  const auto before = state_of(trainer);
  // Interrupts when the forward is over, so that nothing but backward can notice.
  class AfterForward : public Observer {
   public:
    explicit AfterForward(Interrupt& interrupt) : interrupt_(interrupt) {}
    void on_forward(const torch::nn::Module& layer, const at::Tensor&, const at::Tensor&) override {
      if (layer.as<ResNetImpl>() != nullptr) interrupt_ = true;
    }

   private:
    Interrupt& interrupt_;
  };
  const auto batch = batch_of(4, 4);
  trainer.evaluate(batch, kNever);  // whose checks are a forward too
  Interrupt interrupt{false};
  AfterForward observer(interrupt);
  const ObserverGuard guard(observer);
  EXPECT_EQ(code_of([&] { trainer.step(batch, {0.1}, interrupt); }), "ERR_ABORTED");
  EXPECT_TRUE(interrupt);
  expect_equal(state_of(trainer), before);
}

TEST(Training, BatchNormModes) {
  for (const auto mode : {BatchNormMode::kFrozenWithLayer, BatchNormMode::kTrain, BatchNormMode::kFrozen}) {
    auto options = sgd();
    options.freeze = {true, 2};
    options.batch_norm = mode;
    Trainer trainer(initialized(ResNetSpec{18, 4}), options);
    const auto before = state_of(trainer);
    trainer.step(batch_of(4, 4), {0.1}, kNever);
    const auto after = state_of(trainer);
    const auto changed = [&](const std::string& name) { return !at::equal(before.at(name), after.at(name)); };
    EXPECT_EQ(changed("model.bn.running_mean"), mode == BatchNormMode::kTrain);
    EXPECT_EQ(changed("model.residual_block.7.conv_bn_block2.1.running_var"), mode != BatchNormMode::kFrozen);
    EXPECT_FALSE(changed("model.bn.weight"));
    EXPECT_TRUE(changed("model.residual_block.7.conv_bn_block2.1.weight"));
  }
}

TEST(Training, RatesAndDecaysByGroup) {
  const auto after_step = [](const TrainerOptions& options) {
    Trainer trainer(initialized(ResNetSpec{18, 4}), options);
    trainer.step(batch_of(4, 4), {0.5}, kNever);
    return state_of(trainer);
  };
  auto options = sgd(0);
  options.weight_decay = 0.25;
  const auto before = state_of(Trainer(initialized(ResNetSpec{18, 4}), options));
  const auto all_decay = after_step(options);
  options.decay_norms = false;
  const auto weights_decay = after_step(options);
  options.backbone_rate = 0;
  const auto head_only = after_step(options);
  for (const auto& [name, value] : before) {
    if (!name.starts_with("model.") || name.find("running_") != std::string::npos || value.dim() == 0) continue;
    const bool is_head = name.starts_with("model.fc.");
    EXPECT_EQ(at::equal(head_only.at(name), value), !is_head) << name;
    const auto decayed = value.dim() == 1 ? value * 0.5 * 0.25 : at::zeros_like(value);
    EXPECT_LE((weights_decay.at(name) - all_decay.at(name) - decayed).abs().max().item<float>(), 1e-5) << name;
  }
}

TEST(Training, FrozenLayersStayAsTheyAre) {
  auto options = sgd();
  options.freeze = {true, 2};
  const auto network = initialized(ResNetSpec{18, 4});
  Trainer trainer(network, options);
  const auto before = state_of(trainer);
  for (int i = 0; i < 3; i++) trainer.step(batch_of(4, 4), {0.1}, kNever);
  const auto after = state_of(trainer);
  for (const auto& [name, value] : before) {
    if (!name.starts_with("model.")) continue;
    const bool frozen = name.starts_with("model.conv.") || name.starts_with("model.bn.") ||
                        (name.starts_with("model.residual_block.") && name[21] < '4' && name[22] == '.');
    EXPECT_EQ(at::equal(value, after.at(name)), frozen) << name;
  }
  for (const auto& name : trainer.trained()) EXPECT_FALSE(name.starts_with("residual_block.3."));
  EXPECT_EQ(code_of([&] {
              TrainerOptions nothing;
              Trainer second(network, nothing);
            }),
            "ERR_BUSY");
}

TEST(Training, AccumulatedBatchesGiveTheGradientOfOneLargeBatch) {
  auto options = sgd(0);
  options.batch_norm = BatchNormMode::kFrozen;
  options.weight_decay = 0;
  const auto batch = batch_of(8, 4);
  Trainer large(initialized(ResNetSpec{18, 4}), options);
  large.step(batch, {0.1}, kNever);
  Trainer small(initialized(ResNetSpec{18, 4}), options);
  for (int64_t i = 0; i < 4; i++) {
    small.step({batch.x.narrow(0, 2 * i, 2), batch.target.narrow(0, 2 * i, 2)}, {0.1, 4}, kNever);
  }
  const auto expected = state_of(large);
  for (const auto& [name, value] : state_of(small)) EXPECT_LE(difference(value, expected.at(name)), 1e-5) << name;
  EXPECT_EQ(small.updates(), 1);
}

TEST(Training, AveragesAndClips) {
  auto options = sgd(0);
  options.ema_decay = 0.75;
  options.clip_grad_norm = 0.001;
  options.weight_decay = 0;
  Trainer trainer(initialized(ResNetSpec{18, 4}), options);
  const auto before = state_of(trainer);
  const auto result = trainer.step(batch_of(4, 4), {1}, kNever);
  const auto after = state_of(trainer);
  double squares = 0;
  for (const auto& name : trainer.trained()) {
    const auto change = after.at("model." + name) - before.at("model." + name);
    squares += change.square().sum().item<double>();
    const auto average = before.at("model." + name) * 0.75 + after.at("model." + name) * 0.25;
    EXPECT_LE(difference(after.at("average." + name), average), 1e-6) << name;
  }
  EXPECT_GT(*result.grad_norm, 0.01);
  EXPECT_NEAR(std::sqrt(squares), 0.001, 1e-5);
  EXPECT_EQ(after.at("average.bn.num_batches_tracked").item<int64_t>(), 1);
}

TEST(Training, Bfloat16IsCloseToFloat32) {
  auto options = sgd();
  const auto batch = batch_of(8, 4);
  Trainer full(initialized(ResNetSpec{18, 4}), options);
  const auto expected = full.gradients(batch, kNever);
  options.bfloat16 = true;
  Trainer half(initialized(ResNetSpec{18, 4}), options);
  const auto actual = half.gradients(batch, kNever);
  EXPECT_LE(difference(actual.back().second, expected.back().second), 0.1);
  EXPECT_GT(difference(actual.back().second, expected.back().second), 1e-4);  // it did compute in bfloat16
  EXPECT_NEAR(half.step(batch, {0.01}, kNever).loss, full.step(batch, {0.01}, kNever).loss, 0.05);
}

}  // namespace resnet
