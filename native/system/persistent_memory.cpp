#include "system/persistent_memory.h"

#include <ATen/Functions.h>
#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <memory>

#include "system/memory_limit.h"
#include "system/sanitizer.h"

namespace resnet {
namespace {

struct Mapping {
  void* pages;
  std::size_t length;
};

void unmap(void* context) {
  const std::unique_ptr<Mapping> mapping(static_cast<Mapping*>(context));
  munmap(mapping->pages, mapping->length);
}

std::atomic<int64_t> requested_bytes{0};

}  // namespace

at::Tensor allocate_persistent(at::IntArrayRef shape, at::ScalarType dtype) {
  const auto bytes = c10::multiply_integers(shape) * static_cast<int64_t>(c10::elementSize(dtype));
  requested_bytes += bytes;
  if (kAddressSanitizer || bytes < kMinMappedBytes) return at::empty(shape, dtype);
  const auto length = static_cast<std::size_t>(bytes);
  require_memory(length);
  auto mapping = std::make_unique<Mapping>(Mapping{nullptr, length});
  auto* pages = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return at::empty(shape, dtype);  // malloc may still have free memory, and throws if not
  mapping->pages = pages;
  return at::for_blob(pages, shape).context(mapping.release(), unmap).options(dtype).make_tensor();
}

int64_t persistent_bytes() { return requested_bytes; }

}  // namespace resnet
