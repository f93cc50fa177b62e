#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "error.h"
#include "inference/parameters.h"
#include "runtime/network.h"

namespace resnet {

/// A copy of `values` in memory of exactly their size, so that a sanitizer notices the first byte read beyond it.
template <class T>
std::unique_ptr<T[]> exact_copy(const std::vector<T>& values) {
  auto memory = std::make_unique<T[]>(values.size());
  std::copy(values.begin(), values.end(), memory.get());
  return memory;
}

/// Uniform in [-1, 1), the same for the same seed.
at::Tensor random_tensor(at::IntArrayRef shape, uint64_t seed);

/// Plausible parameters of a convolution with batch norm: weight [out, in, kernel, kernel], scales around 1 and -1.
Parameters random_parameters(int64_t out, int64_t in, int64_t kernel, uint64_t seed);

/// A network with random weights, the same each time.
std::shared_ptr<Network> initialized(const Spec& spec);

/// The largest absolute difference, relative to the largest expected magnitude.
double difference(const at::Tensor& actual, const at::Tensor& expected);

/// The code of the Error that `run` throws; empty if it throws none.
template <class Run>
std::string code_of(const Run& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.code();
  }
  return "";
}

/// Runs `work(0)` to `work(count - 1)`, each on its own thread, and waits for all.
template <class Work>
void on_threads(int count, const Work& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; i++) threads.emplace_back([&work, i] { work(i); });
  for (auto& thread : threads) thread.join();
}

/// The resident memory of this process in bytes.
int64_t resident_bytes();

/// Whether resident_bytes() tells what the code under test uses: a sanitizer keeps freed memory and needs shadow
/// memory.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMeasurableMemory = false;
#else
inline constexpr bool kMeasurableMemory = true;
#endif

/// Sets at::set_num_threads for the calling thread, for as long as the guard lives.
class NumThreadsGuard {
 public:
  explicit NumThreadsGuard(int count);
  ~NumThreadsGuard();
  NumThreadsGuard(const NumThreadsGuard&) = delete;
  NumThreadsGuard& operator=(const NumThreadsGuard&) = delete;

 private:
  int previous_;
};

}  // namespace resnet
