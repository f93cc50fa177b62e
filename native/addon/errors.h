#pragma once

#include <napi.h>

#include <exception>

namespace resnet {

/// Converts a C++ exception to a JavaScript Error with a `code` from lib/errors.ts.
Napi::Error to_js_error(Napi::Env env, const std::exception_ptr& failure);

/// Runs `body`, and rethrows its C++ exceptions as JavaScript errors.
template <class Body>
auto with_js_errors(Napi::Env env, Body body) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw to_js_error(env, std::current_exception());
  }
}

}  // namespace resnet
