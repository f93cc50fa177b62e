#include <c10/core/CPUAllocator.h>
#include <c10/core/InferenceMode.h>

#include <atomic>
#include <limits>

#include "inference/optimized.h"
#include "inference/torch_executor.h"
#include "model/initialize.h"
#include "runtime/inference_threads.h"
#include "system/persistent_memory.h"
#include "test/support.h"

// CpuExecutor against TorchExecutor on the same plan.
namespace resnet {
namespace {

using DType = OptimizeOptions::DType;

constexpr Normalization kNormalization{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
const Interrupt kNever{false};

ResNet network_of(int64_t layers) {
  const at::NoGradGuard no_grad;
  ResNet network(layers, 10);
  initialize(*network, 5);
  network->eval();
  return network;
}

/// Null where this processor does not support `dtype`.
std::unique_ptr<OptimizedResNet> optimize(const ResNet& network, DType dtype,
                                          std::vector<at::Tensor> calibration = {random_tensor({2, 3, 65, 65}, 3)}) {
  OptimizeOptions options;
  options.dtype = dtype;
  options.normalization = kNormalization;
  options.calibration = std::move(calibration);
  try {
    return std::make_unique<OptimizedResNet>(*network, c10::kCPU, options, kNever);
  } catch (const Error& error) {
    if (error.code() == "ERR_UNSUPPORTED_DTYPE") return nullptr;
    throw;
  }
}

at::Tensor run_with_libtorch(const ResNet& network, const at::Tensor& x, OutputPoint output) {
  TorchExecutor executor(plan_of(*network), ParameterSource(*network), c10::kCPU, at::kFloat, kNormalization);
  return executor.run(x, output, kNever);
}

/// Counts the bytes that libtorch allocates on the CPU while the counter lives.
class AllocationCounter : public c10::Allocator {
 public:
  AllocationCounter() : inner_(*c10::GetCPUAllocator()) { c10::SetCPUAllocator(this); }
  AllocationCounter(const AllocationCounter&) = delete;
  AllocationCounter& operator=(const AllocationCounter&) = delete;
  ~AllocationCounter() override { c10::SetCPUAllocator(&inner_); }

  c10::DataPtr allocate(std::size_t bytes) override {
    bytes_ += bytes;
    return inner_.allocate(bytes);
  }
  [[nodiscard]] c10::DeleterFnPtr raw_deleter() const override { return inner_.raw_deleter(); }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { inner_.copy_data(to, from, bytes); }

  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  c10::Allocator& inner_;
  std::atomic<std::size_t> bytes_{0};
};

struct Bound {
  DType dtype;
  double max;
};

}  // namespace

TEST(Executor, IdleWorkspacesOfThinPicturesAreLimited) {
  const auto network = network_of(18);
  const auto fast = optimize(network, DType::kFloat32);
  if (fast->executor().starts_with("libtorch")) GTEST_SKIP() << "this processor lacks the instructions";
  const auto run = [&](int64_t width) { fast->forward(at::zeros({1, 3, 1, width}), OutputPoint::kLogits, kNever); };
  for (int64_t width = 100000; width < 100008; width++) run(width);  // 150 MB of workspace each
  const auto before = persistent_bytes();
  run(100007);
  EXPECT_EQ(persistent_bytes(), before);  // the last workspace was kept
  run(100000);
  EXPECT_GT(persistent_bytes() - before, 100 << 20);  // the first one was not
}

TEST(Executor, ThreadsKeepLittleMemoryOfAnExecutorThatIsGone) {
  if (!kMeasurableMemory) GTEST_SKIP() << "a sanitizer needs memory of its own";
  const auto network = network_of(18);
  // On a thread with a fresh IntraOpPool.
  on_threads(1, [&](int) {
    const auto before = resident_bytes();
    {
      const auto fast = optimize(network, DType::kFloat32);
      if (fast->executor().starts_with("libtorch")) GTEST_SKIP() << "this processor lacks the instructions";
      fast->forward(at::zeros({1, 3, 1, 100000}), OutputPoint::kLogits, kNever);
      EXPECT_GT(resident_bytes() - before, int64_t{100} << 20);
    }
    EXPECT_LT(resident_bytes() - before, int64_t{64} << 20);
  });
}

TEST(Executor, MatchesLibtorchForOddSizesInEveryDType) {
  const auto network = network_of(18);
  std::vector<at::Tensor> inputs;
  for (const auto& shape :
       std::vector<std::vector<int64_t>>{{1, 3, 1, 1}, {3, 3, 33, 47}, {1, 3, 7, 100}, {2, 3, 64, 64}}) {
    inputs.push_back(random_tensor(shape, 4));
  }
  for (const auto& [dtype, max] : {Bound{DType::kFloat32, 1e-5}, {DType::kBFloat16, 0.05}, {DType::kInt8, 0.2}}) {
    for (const auto& x : inputs) {
      // Calibrated one by one: the range of a large picture has steps too coarse for the values of a single pixel.
      const auto fast = optimize(network, dtype, {x});
      if (fast == nullptr) continue;
      for (const auto output : {OutputPoint::kLogits, OutputPoint::kFeatures, OutputPoint::kMap}) {
        EXPECT_LE(difference(fast->forward(x, output, kNever), run_with_libtorch(network, x, output)), max)
            << fast->executor() << ' ' << x.sizes();
      }
    }
  }
}

TEST(Executor, MatchesLibtorchForBottlenecksAndPictures) {
  const auto network = network_of(50);
  const auto pictures = random_tensor({2, 45, 39, 3}, 4).mul_(128).add_(128).to(at::kByte);
  for (const int threads : {1, 3}) {
    const NumThreadsGuard threads_guard(threads);
    const auto fast = optimize(network, DType::kFloat32);
    EXPECT_LE(difference(fast->forward(pictures, OutputPoint::kLogits, kNever),
                         run_with_libtorch(network, pictures, OutputPoint::kLogits)),
              1e-5);
  }
}

TEST(Executor, ServesManyThreadsAndShapesAtOnce) {
  const auto network = network_of(18);
  const auto fast = optimize(network, DType::kFloat32);
  std::vector<at::Tensor> inputs, expected;
  for (int64_t i = 0; i < 6; i++) {
    inputs.push_back(random_tensor({1 + i % 2, 3, 32 + 5 * i, 40}, i));
    expected.push_back(fast->forward(inputs.back(), OutputPoint::kLogits, kNever));
  }
  on_threads(4, [&](int thread) {
    const NumThreadsGuard threads_guard(2);
    for (std::size_t i = 0; i < 12; i++) {
      const auto index = (i + static_cast<std::size_t>(thread)) % inputs.size();
      const auto actual = fast->forward(inputs[index], OutputPoint::kLogits, kNever);
      EXPECT_TRUE(at::equal(actual, expected[index])) << "the order of summation must not depend on the threads";
    }
  });
}

TEST(Executor, CanBeInterruptedFromAnotherThread) {
  const auto network = network_of(18);
  for (const auto dtype : {DType::kFloat32, DType::kInt8}) {
    const auto fast = optimize(network, dtype);
    if (fast == nullptr) continue;
    const auto x = random_tensor({64, 3, 64, 64}, 1);
    Interrupt interrupt{false};
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      interrupt = true;
    });
    EXPECT_EQ(code_of([&] {
                while (true) fast->forward(x, OutputPoint::kLogits, interrupt);
              }),
              "ERR_ABORTED");
    other.join();
    const auto small = random_tensor({1, 3, 33, 33}, 2);
    EXPECT_EQ(fast->forward(small, OutputPoint::kLogits, kNever).sizes(), (std::vector<int64_t>{1, 10}));
  }
}

TEST(Executor, AllocatesOnlyTheResultEvenAfterAnAbort) {
  const auto network = network_of(18);
  const auto fast = optimize(network, DType::kFloat32);
  if (fast->executor().starts_with("libtorch")) GTEST_SKIP() << "this processor lacks the instructions";
  const auto x = random_tensor({2, 3, 64, 48}, 1);
  fast->forward(x, OutputPoint::kLogits, kNever);
  const auto persistent = persistent_bytes();
  const AllocationCounter allocated;
  fast->forward(x, OutputPoint::kLogits, kNever);
  const auto result_bytes = allocated.bytes();
  EXPECT_EQ(result_bytes, 2 * 10 * sizeof(float));
  const Interrupt aborted{true};
  EXPECT_EQ(code_of([&] { fast->forward(x, OutputPoint::kLogits, aborted); }), "ERR_ABORTED");
  fast->forward(x, OutputPoint::kLogits, kNever);
  EXPECT_EQ(allocated.bytes(), 3 * result_bytes);
  EXPECT_EQ(persistent_bytes(), persistent);
}

TEST(Executor, ExplainsTheRequestedClass) {
  const auto network = network_of(18);
  const auto fast = optimize(network, DType::kFloat32);
  const auto x = random_tensor({2, 3, 65, 33}, 6);
  const auto [logits, classes, maps] = fast->explain(x, 9, kNever);
  EXPECT_EQ(maps.sizes(), (std::vector<int64_t>{2, 3, 2}));
  EXPECT_LE(difference(maps.mean({1, 2}) + network->fc->bias[9], logits.select(1, 9)), 1e-5);
}

TEST(Executor, AnswersNaNWhereLibtorchDoes) {
  constexpr auto kInfinity = std::numeric_limits<double>::infinity();
  for (const int64_t layers : {18, 50}) {
    const auto network = network_of(layers);
    TorchExecutor reference(plan_of(*network), ParameterSource(*network), c10::kCPU, at::kFloat, kNormalization);
    for (const auto dtype : {DType::kFloat32, DType::kBFloat16}) {
      const auto fast = optimize(network, dtype);
      if (fast == nullptr) continue;
      for (const auto& shape : std::vector<std::vector<int64_t>>{{2, 3, 1, 1}, {2, 3, 33, 47}, {2, 3, 7, 100}}) {
        auto x = random_tensor(shape, 4);
        const auto finite = fast->forward(x, OutputPoint::kLogits, kNever);
        const auto pixels = x[1].numel();
        for (const auto at : {int64_t{0}, pixels / 2, pixels - 1}) {
          for (const double special : {std::nan(""), -std::nan(""), kInfinity, -kInfinity}) {
            auto damaged = x.clone();
            damaged[1].view(-1)[at] = special;
            for (const auto output : {OutputPoint::kLogits, OutputPoint::kFeatures, OutputPoint::kMap}) {
              const auto expected = at::isnan(reference.run(damaged, output, kNever));
              const auto actual = fast->forward(damaged, output, kNever);
              ASSERT_TRUE(at::isnan(actual).logical_or(expected.logical_not()).all().item<bool>())
                  << fast->executor() << ' ' << x.sizes() << " with " << special << " at " << at;
              ASSERT_FALSE(at::isnan(actual[0]).any().item<bool>()) << "the other image";
            }
          }
        }
        // Nothing of it stays in the workspace.
        EXPECT_TRUE(at::equal(fast->forward(x, OutputPoint::kLogits, kNever), finite));
      }
    }
  }
}

TEST(Executor, AnswersNaNForANaNInAnyLayer) {
  const auto x = random_tensor({1, 3, 40, 40}, 4);
  for (const int64_t layers : {18, 50}) {
    auto network = network_of(layers);
    const at::NoGradGuard no_grad;
    auto parameters = network->named_parameters();
    for (const auto& buffer : network->named_buffers()) {
      if (buffer.value().is_floating_point()) parameters.insert(buffer.key(), buffer.value());
    }
    // Of a ResNet-50, whose layers are of few kinds, every ninth parameter: packing it takes a while.
    std::size_t number = 0;
    for (const auto& parameter : parameters) {
      if (layers == 50 && number++ % 9 != 0) continue;
      auto value = parameter.value().view(-1)[parameter.value().numel() / 3];
      const auto before = value.item<float>();
      value.fill_(-std::nanf(""));
      const auto expected = at::isnan(network->forward(x));
      ASSERT_TRUE(expected.any().item<bool>());
      for (const auto dtype : {DType::kFloat32, DType::kBFloat16}) {
        const auto fast = optimize(network, dtype);
        if (fast == nullptr) continue;
        ASSERT_TRUE(at::equal(at::isnan(fast->forward(x, OutputPoint::kLogits, kNever)), expected))
            << fast->executor() << ' ' << parameter.key();
      }
      value.fill_(before);
    }
  }
}

TEST(Executor, Int8RefusesWhatIsNotFinite) {
  const auto network = network_of(18);
  const auto fast = optimize(network, DType::kInt8);
  if (fast == nullptr) GTEST_SKIP() << "this processor lacks the instructions";
  constexpr auto kInfinity = std::numeric_limits<double>::infinity();
  const auto x = random_tensor({1, 3, 33, 33}, 2);
  const auto finite = fast->forward(x, OutputPoint::kLogits, kNever);
  for (const double value : {std::nan(""), -std::nan(""), kInfinity, -kInfinity}) {
    auto damaged = x.clone();
    damaged.view(-1)[3 * 33 * 33 - 1] = value;
    EXPECT_EQ(code_of([&] { fast->forward(damaged, OutputPoint::kLogits, kNever); }), "ERR_NOT_FINITE");
  }
  EXPECT_EQ(fast->forward(at::full({1, 3, 33, 33}, -3e38F), OutputPoint::kLogits, kNever).size(1), 10);
  EXPECT_TRUE(at::equal(fast->forward(x, OutputPoint::kLogits, kNever), finite));

  std::unordered_map<std::string, Range> ranges;
  for (std::size_t i = 0; i < fast->value_names().size(); i++) ranges[fast->value_names()[i]] = fast->ranges()[i];
  OptimizeOptions options;
  options.dtype = DType::kInt8;
  options.normalization = kNormalization;
  options.ranges = ranges;
  const at::NoGradGuard no_grad;
  network->named_parameters()["residual_block.0.conv_bn_block1.0.weight"].view(-1)[7] = std::nanf("");
  EXPECT_EQ(code_of([&] { OptimizedResNet(*network, c10::kCPU, options, kNever); }), "ERR_NOT_FINITE");
}

}  // namespace resnet
