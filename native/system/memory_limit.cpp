#include "system/memory_limit.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <atomic>
#include <fstream>

#include "error.h"
#include "system/control_groups.h"

namespace resnet {
namespace {

std::atomic<std::size_t> limit{kNoLimit};

/// One number, or "max". Version 1 writes a number near 2^63 where there is none, which limits nothing either.
std::size_t limit_in(const std::string& file) {
  std::ifstream stream(file);
  std::size_t bytes = 0;
  return stream >> bytes ? bytes : kNoLimit;
}

/// Another allocator, asked for no more than may be had.
class Limited : public c10::Allocator {
 public:
  explicit Limited(c10::Allocator& inner) : inner_(inner) {}

  c10::DataPtr allocate(std::size_t bytes) override {
    require_memory(bytes);
    return inner_.allocate(bytes);
  }
  [[nodiscard]] c10::DeleterFnPtr raw_deleter() const override { return inner_.raw_deleter(); }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { inner_.copy_data(to, from, bytes); }

 private:
  c10::Allocator& inner_;
};

}  // namespace

std::size_t measure_memory_limit(const std::string& root) {
  auto tightest = kNoLimit;
  for (const auto& [folder, unified] : control_groups("memory", root)) {
    tightest = std::min(tightest, limit_in(folder + (unified ? "memory.max" : "memory.limit_in_bytes")));
  }
  limit = tightest;
  return tightest;
}

void require_memory(std::size_t bytes) {
  const auto most = limit.load(std::memory_order_relaxed);
  if (bytes <= most) return;
  throw Error("ERR_OUT_OF_MEMORY", "An allocation of " + std::to_string(bytes) +
                                       " bytes was refused: the control group of this process may use " +
                                       std::to_string(most) + " in all. The input or the network is too large for it.");
}

void limit_allocations() {
  static const bool once = [] {
    measure_memory_limit();
    c10::SetCPUAllocator(new Limited(*c10::GetCPUAllocator()));  // libtorch keeps it for good
    return true;
  }();
  static_cast<void>(once);
}

}  // namespace resnet
