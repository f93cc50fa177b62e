#include "test/support.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <unistd.h>

#include <fstream>

namespace resnet {

at::Tensor random_tensor(at::IntArrayRef shape, uint64_t seed) {
  return at::empty(shape, at::kFloat).uniform_(-1, 1, at::detail::createCPUGenerator(seed));
}

Parameters random_parameters(int64_t out, int64_t in, int64_t kernel, uint64_t seed) {
  return {random_tensor({out, in, kernel, kernel}, seed),
          random_tensor({out}, seed + 1).to(at::kDouble).add_(1.5).mul_(at::where(at::arange(out) % 5 == 0, -1, 1)),
          random_tensor({out}, seed + 2)};
}

std::shared_ptr<Network> initialized(const Spec& spec) {
  auto network = std::make_shared<Network>(spec);
  network->initialize(1);
  return network;
}

double difference(const at::Tensor& actual, const at::Tensor& expected) {
  EXPECT_EQ(actual.sizes(), expected.sizes());
  const auto largest = expected.abs().max().item<double>();
  return (actual.to(at::kDouble) - expected.to(at::kDouble)).abs().max().item<double>() / std::max(largest, 1e-30);
}

NumThreadsGuard::NumThreadsGuard(int count) : previous_(at::get_num_threads()) { at::set_num_threads(count); }

NumThreadsGuard::~NumThreadsGuard() { at::set_num_threads(previous_); }

int64_t resident_bytes() {
  std::ifstream pages("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  pages >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace resnet
