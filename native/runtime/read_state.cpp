#include "runtime/read_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

#include "error.h"

namespace resnet {
namespace {

static_assert(std::endian::native == std::endian::little, "weight files are little-endian");

class File {
 public:
  explicit File(const std::string& path) : path_(path), descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) fail();
  }
  ~File() { close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void read(void* destination, int64_t bytes, int64_t offset) const {
    auto* at = static_cast<char*>(destination);
    while (bytes > 0) {
      const auto count = pread(descriptor_, at, static_cast<size_t>(bytes), offset);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail();
      if (count == 0)
        throw Error("ERR_WEIGHTS_FORMAT", path_ + " ends early: it has changed since its header was read.");
      at += count;
      offset += count;
      bytes -= count;
    }
  }

 private:
  [[noreturn]] void fail() const {
    throw Error("ERR_FILE", "Cannot read " + path_ + ": " + std::strerror(errno) + ".");
  }

  std::string path_;
  int descriptor_;
};

/// In elements.
constexpr int64_t kBufferSize = int64_t{1} << 18;

void read_converted(const File& file, const Extent& extent) {
  const auto flat = extent.destination.view(-1);
  const auto buffer = at::empty({std::min(flat.numel(), kBufferSize)}, extent.dtype);
  const auto width = static_cast<int64_t>(buffer.element_size());
  for (int64_t start = 0; start < flat.numel(); start += kBufferSize) {
    const auto count = std::min(kBufferSize, flat.numel() - start);
    file.read(buffer.data_ptr(), count * width, extent.offset + start * width);
    flat.narrow(0, start, count).copy_(buffer.narrow(0, 0, count));
  }
}

}  // namespace

void read_state(const std::string& path, const std::vector<Extent>& extents) {
  const at::NoGradGuard no_grad;
  const File file(path);
  for (const auto& extent : extents) {
    const auto& destination = extent.destination;
    if (destination.is_cpu() && destination.scalar_type() == extent.dtype) {
      file.read(destination.data_ptr(), static_cast<int64_t>(destination.nbytes()), extent.offset);
    } else {
      read_converted(file, extent);
    }
  }
}

}  // namespace resnet
