#include "system/cores.h"

#include <filesystem>
#include <fstream>
#include <limits>

#include "test/support.h"

namespace resnet {
namespace {

constexpr auto kNoQuota = std::numeric_limits<double>::infinity();

/// A temporary root directory with these files.
class Root {
 public:
  explicit Root(const std::vector<std::pair<std::string, std::string>>& files)
      : folder_(std::filesystem::path(testing::TempDir()) / ("root-" + std::to_string(count_++))) {
    for (const auto& [path, text] : files) {
      std::filesystem::create_directories((folder_ / path).parent_path());
      std::ofstream(folder_ / path) << text << '\n';
    }
  }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;
  ~Root() { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path() const { return folder_.string(); }

 private:
  inline static int count_ = 0;
  std::filesystem::path folder_;
};

double quota_of(const std::string& text) {
  return cpu_quota(Root({{"proc/self/cgroup", "0::/a"}, {"sys/fs/cgroup/a/cpu.max", text}}).path());
}

}  // namespace

TEST(Cores, QuotaIsReadFromTheControlGroups) {
  EXPECT_EQ(quota_of("150000 100000"), 1.5);
  EXPECT_EQ(quota_of("max 100000"), kNoQuota);
  EXPECT_EQ(quota_of("9223372036854775807 1"), 9223372036854775807.0);
  EXPECT_EQ(cpu_quota("/no/such/root"), kNoQuota);
  const Root two({{"proc/self/cgroup", "0::/a/b"},
                  {"sys/fs/cgroup/a/cpu.max", "100000 100000"},
                  {"sys/fs/cgroup/a/b/cpu.max", "300000 100000"}});
  EXPECT_EQ(cpu_quota(two.path()), 1) << "the parent group has the smaller quota";
  const Root old({{"proc/self/cgroup", "4:cpu,cpuacct:/a"},
                  {"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "200000"},
                  {"sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000"}});
  EXPECT_EQ(cpu_quota(old.path()), 2) << "cgroup v1";
}

TEST(Cores, InvalidQuotasAreIgnored) {
  for (const auto* text : {"", "much", "-1 100000", "0 100000", "100000", "100000 0", "100000 -1", "nan 1"}) {
    EXPECT_EQ(quota_of(text), kNoQuota) << text;
  }
}

TEST(Cores, AreBetweenOneAndTheAllowedNumber) {
  EXPECT_EQ(cores_within(kNoQuota, 8), 8);
  EXPECT_EQ(cores_within(1e300, 8), 8) << "beyond what an integer holds";
  EXPECT_EQ(cores_within(1.5, 8), 2);
  EXPECT_EQ(cores_within(0.01, 8), 1);
}

}  // namespace resnet
