#pragma once

#include <napi.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "error.h"
#include "image/rgb.h"

namespace resnet {

// C++ checks again what TypeScript has checked: a wrong type must never reach native code.
// Each throws Error ERR_ARGUMENT, naming the argument.

std::string string_argument(const Napi::Value& value, const char* name);
bool bool_argument(const Napi::Value& value, const char* name);
double number_argument(const Napi::Value& value, const char* name);
double number_argument(const Napi::Value& value, const std::string& name, double min, double max);
int64_t integer_argument(const Napi::Value& value, const char* name, int64_t min, int64_t max);
Napi::Object object_argument(const Napi::Value& value, const char* name);
Napi::Array array_argument(const Napi::Value& value, const char* name);

/// A name and what it stands for.
template <class T>
struct Choice {
  const char* name;
  T value;
};

/// The value of one of some names.
template <class T, std::size_t N>
const T& choice_argument(const Napi::Value& value, const char* name, const std::array<Choice<T>, N>& choices) {
  const auto text = string_argument(value, name);
  std::string names;
  for (std::size_t i = 0; i < N; i++) {
    if (text == choices[i].name) return choices[i].value;
    names += (i == 0 ? "'" : N == 2 ? " or '" : ", '") + std::string(choices[i].name) + "'";
  }
  throw Error("ERR_ARGUMENT", std::string(name) + (N == 2 ? " must be " : " must be one of ") + names + ".");
}

/// A list of three, one per channel.
std::array<double, 3> three_numbers_argument(const Napi::Value& value, const char* name);

/// A list of top, left, height and width, from 0 to 2^20; the last two from 1.
Box box_argument(const Napi::Value& value, const char* name);

/// A list of at most 64 non-negative integers.
std::vector<int64_t> shape_argument(const Napi::Value& value, const char* name);

}  // namespace resnet
