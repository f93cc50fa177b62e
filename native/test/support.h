#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "error.h"
#include "inference/plan.h"

namespace resnet {

/// Memory of just this size, so that a sanitizer sees the first byte read beyond it. It starts with `values`.
template <class T>
std::unique_ptr<T[]> exactly(const std::vector<T>& values) {
  auto memory = std::make_unique<T[]>(values.size());
  std::copy(values.begin(), values.end(), memory.get());
  return memory;
}

/// Numbers in [-1, 1), the same for the same seed.
at::Tensor random_tensor(at::IntArrayRef shape, uint64_t seed);

/// What a convolution with batch norm might have: weight [out, in, kernel, kernel], scales around 1 of either sign.
Parameters random_parameters(int64_t out, int64_t in, int64_t kernel, uint64_t seed);

/// The largest difference, as a part of the largest value expected.
double difference(const at::Tensor& got, const at::Tensor& expected);

/// The code of the Error that `run` throws; empty where it throws none.
template <class Run>
std::string code_of(const Run& run) {
  try {
    run();
  } catch (const Error& error) {
    return error.code();
  }
  return "";
}

/// Runs `work(0)` to `work(count - 1)`, each on a thread of its own, and waits for them.
template <class Work>
void on_threads(int count, const Work& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; i++) threads.emplace_back([&work, i] { work(i); });
  for (auto& thread : threads) thread.join();
}

/// Memory of this process that is in use, in bytes.
int64_t resident();

/// Whether resident() is ours alone: a sanitizer keeps what is freed, and shadows what is used.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMemoryIsOurs = false;
#else
inline constexpr bool kMemoryIsOurs = true;
#endif

/// Sets libtorch's number of threads, for the calling thread, while it lives.
class Threads {
 public:
  explicit Threads(int count);
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

}  // namespace resnet
