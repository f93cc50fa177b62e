#include "addon/arguments.h"

#include <cmath>
#include <sstream>

#include "error.h"

namespace resnet {
namespace {

constexpr int64_t kMaxSafe = (int64_t{1} << 53) - 1;
constexpr uint32_t kMaxDimensions = 64;  // libtorch's own limit

[[noreturn]] void fail(const char* name, const std::string& expected) {
  throw Error("ERR_ARGUMENT", std::string(name) + " must be " + expected + ".");
}

}  // namespace

std::string string_argument(const Napi::Value& value, const char* name) {
  if (!value.IsString()) fail(name, "a string");
  return value.As<Napi::String>();
}

bool bool_argument(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) fail(name, "a boolean");
  return value.As<Napi::Boolean>();
}

double number_argument(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) fail(name, "a number");
  return value.As<Napi::Number>();
}

double number_argument(const Napi::Value& value, const std::string& name, double min, double max) {
  const auto number = number_argument(value, name.c_str());
  if (number >= min && number <= max) return number;
  std::ostringstream message;
  message << name << " must be a number from " << min << " to " << max << ".";
  throw Error("ERR_ARGUMENT", message.str());
}

int64_t integer_argument(const Napi::Value& value, const char* name, int64_t min, int64_t max) {
  const double number = number_argument(value, name);
  if (number != std::floor(number) || number < static_cast<double>(min) || number > static_cast<double>(max)) {
    fail(name, "an integer from " + std::to_string(min) + " to " + std::to_string(max));
  }
  return static_cast<int64_t>(number);
}

Napi::Object object_argument(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) fail(name, "an object");
  return value.As<Napi::Object>();
}

Napi::Array array_argument(const Napi::Value& value, const char* name) {
  if (!value.IsArray()) fail(name, "an array");
  return value.As<Napi::Array>();
}

std::array<double, 3> three_numbers_argument(const Napi::Value& value, const char* name) {
  const auto list = array_argument(value, name);
  if (list.Length() != 3) throw Error("ERR_ARGUMENT", std::string(name) + " must hold three numbers.");
  std::array<double, 3> numbers{};
  for (uint32_t i = 0; i < 3; i++) numbers[i] = number_argument(list.Get(i), name);
  return numbers;
}

Box box_argument(const Napi::Value& value, const char* name) {
  constexpr int64_t kMaxSide = int64_t{1} << 20;
  const auto list = array_argument(value, name);
  if (list.Length() != 4) {
    throw Error("ERR_ARGUMENT", std::string(name) + " must hold top, left, height and width.");
  }
  const auto at = [&](uint32_t i, int64_t min) { return integer_argument(list.Get(i), name, min, kMaxSide); };
  const auto top = at(0, 0), left = at(1, 0);
  return {top, left, at(2, 1), at(3, 1)};
}

std::vector<int64_t> shape_argument(const Napi::Value& value, const char* name) {
  const auto array = array_argument(value, name);
  // Read once: reading an element may run a getter of the caller's, and that may make the array longer.
  const auto rank = array.Length();
  if (rank > kMaxDimensions) fail(name, "of at most " + std::to_string(kMaxDimensions) + " dimensions");
  std::vector<int64_t> shape;
  for (uint32_t i = 0; i < rank; i++) shape.push_back(integer_argument(array.Get(i), name, 0, kMaxSafe));
  return shape;
}

}  // namespace resnet
