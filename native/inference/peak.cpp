#include "inference/peak.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>

#include "inference/packed.h"
#include "runtime/intra_op_pool.h"

namespace resnet {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kPixels = 42;  // a multiple of both tile sizes, 6 and 7
constexpr int64_t kWords = 256;
constexpr int64_t kRepeats = 200;

}  // namespace

double measure_peak(const kernels::Kernels& kernels, double seconds) {
  const auto threads = at::get_num_threads();
  const auto size = bytes_of(kernels.element);
  const auto operations_per_row = static_cast<double>(2 * kPixels * kWords * (4 / size) * kernels::kPanel);
  double best = 0;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  do {
    const auto start = Clock::now();
    IntraOpPool::current().run(threads, [&](int64_t) {
      const auto input = at::zeros({kPixels * kWords * 4}, at::kByte);
      const auto weights = at::zeros({kWords * kernels::kPanel * 4}, at::kByte);
      const auto numbers = at::zeros({kernels::kPanel}, at::kFloat);
      const auto output = at::empty({kPixels * kernels::kPanel * size}, at::kByte);
      kernels::ConvRow row{};
      row.input = static_cast<const char*>(input.const_data_ptr());
      row.input_pixel_stride = kWords * 4;
      row.window_rows = 1;
      row.row_words = kWords;
      row.weights = static_cast<const char*>(weights.const_data_ptr());
      row.scale = row.bias = numbers.const_data_ptr<float>();
      row.output = static_cast<char*>(output.data_ptr());
      row.output_stride = kernels::kPanel * size;
      row.pixels = kPixels;
      for (int64_t i = 0; i < kRepeats; i++) kernels.conv(row);
    });
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    best = std::max(best, operations_per_row * kRepeats * threads / elapsed.count());
  } while (Clock::now() < end);
  return best;
}

}  // namespace resnet
