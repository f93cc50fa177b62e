#pragma once

#include <napi.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

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

/// A list of three, one per channel.
std::array<double, 3> three_numbers_argument(const Napi::Value& value, const char* name);

/// A list of top, left, height and width, from 0 to 2^20; the last two from 1.
Box box_argument(const Napi::Value& value, const char* name);

/// A list of at most 64 non-negative integers.
std::vector<int64_t> shape_argument(const Napi::Value& value, const char* name);

}  // namespace resnet
