#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace resnet {

/// Every error that this code throws on purpose: a stable code from the table in lib/errors.ts and a message for
/// people.
class Error : public std::runtime_error {
 public:
  Error(std::string code, const std::string& message) : std::runtime_error(message), code_(std::move(code)) {}

  [[nodiscard]] const std::string& code() const noexcept { return code_; }

 private:
  std::string code_;
};

}  // namespace resnet
