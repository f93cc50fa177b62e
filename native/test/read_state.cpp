#include "runtime/read_state.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "test/support.h"

namespace resnet {
namespace {

/// A temporary file of float32 numbers.
class TestFile {
 public:
  explicit TestFile(const std::vector<float>& values) {
    const auto descriptor = mkstemp(path_.data());
    if (descriptor >= 0) close(descriptor);
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * 4));
  }
  ~TestFile() { std::filesystem::remove(path_); }
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "resnet-XXXXXX").string();
};

std::vector<float> numbers_up_to(int64_t count) {
  std::vector<float> values(count);
  for (int64_t i = 0; i < count; i++) values[i] = static_cast<float>(i);
  return values;
}

}  // namespace

TEST(ReadState, ReadsUpToTheLastByte) {
  const TestFile file(numbers_up_to(100));
  const auto first = at::zeros({3, 5});
  const auto last = at::zeros({7});
  const auto none = at::zeros({0});
  const auto scalar = at::zeros({}, at::kLong);
  read_state(file.path(),
             {{first, at::kFloat, 0}, {last, at::kFloat, 93 * 4}, {none, at::kFloat, 400}, {scalar, at::kInt, 4}});
  EXPECT_TRUE(at::equal(first, at::arange(15, at::kFloat).view({3, 5})));
  EXPECT_TRUE(at::equal(last, at::arange(93, 100, at::kFloat)));
  EXPECT_EQ(scalar.item<int64_t>(), 0x3f800000);  // 1.0F
}

TEST(ReadState, ConvertsPieceByPiece) {
  constexpr int64_t kBuffer = int64_t{1} << 18;
  const TestFile file(numbers_up_to(2 * kBuffer + 3));
  for (const int64_t count : {int64_t{1}, kBuffer - 1, kBuffer, kBuffer + 1, 2 * kBuffer + 3}) {
    const auto to = at::zeros({count}, at::kDouble);
    read_state(file.path(), {{to, at::kFloat, 0}});
    EXPECT_TRUE(at::equal(to, at::arange(count, at::kDouble)));
  }
}

TEST(ReadState, AnExtentBeyondTheEndIsAnError) {
  const TestFile file(numbers_up_to(100));
  constexpr int64_t kMaxSafe = (int64_t{1} << 53) - 1;
  for (const auto dtype : {at::kFloat, at::kDouble}) {  // directly and through the buffer
    for (const int64_t offset : {int64_t{4}, int64_t{396}, int64_t{399}, int64_t{400}, int64_t{401}, kMaxSafe}) {
      const auto to = at::zeros({100}, dtype);
      EXPECT_EQ(code_of([&] { read_state(file.path(), {{to, at::kFloat, offset}}); }), "ERR_WEIGHTS_FORMAT") << offset;
    }
  }
}

TEST(ReadState, AnUnreadableFileIsAnError) {
  const auto to = at::zeros({1});
  for (const auto* path : {"/nonexistent/file", "/", "", "/proc/self/mem"}) {
    EXPECT_EQ(code_of([&] { read_state(path, {{to, at::kFloat, 0}}); }), "ERR_FILE") << path;
  }
}

TEST(ReadState, AFileThatHasShrunkIsAnError) {
  const TestFile file(numbers_up_to(1000));
  const auto to = at::zeros({1000});
  std::filesystem::resize_file(file.path(), 1234);
  EXPECT_EQ(code_of([&] { read_state(file.path(), {{to, at::kFloat, 0}}); }), "ERR_WEIGHTS_FORMAT");
}

TEST(ReadState, SeveralThreadsCanReadOneFile) {
  const TestFile file(numbers_up_to(5000));
  on_threads(4, [&](int i) {
    const auto to = at::zeros({1000}, i % 2 == 0 ? at::kFloat : at::kDouble);
    for (int round = 0; round < 20; round++) read_state(file.path(), {{to, at::kFloat, i * 4000}});
    EXPECT_EQ(to[999].item<double>(), i * 1000 + 999);
  });
}

}  // namespace resnet
