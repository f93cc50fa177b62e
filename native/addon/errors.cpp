#include "addon/errors.h"

#include <c10/util/Exception.h>

#include <new>
#include <string>

#include "error.h"

#if __has_include(<oneapi/dnnl/dnnl_common.hpp>)  // libtorch's convolutions on x86; not in every libtorch
#include <oneapi/dnnl/dnnl_common.hpp>
#define RESNET_HAS_DNNL
#endif

namespace resnet {
namespace {

Napi::Error with_code(Napi::Env env, const std::string& code, const std::string& message) {
  auto error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

/// libtorch's CPU allocator throws a plain c10::Error, which only its message tells from others.
bool says_out_of_memory(const std::string& message) {
  return message.find("can't allocate memory") != std::string::npos ||
         message.find("not enough memory") != std::string::npos;
}

constexpr auto kOutOfMemory = "An allocation failed: the input or the network is too large for this machine's memory.";

}  // namespace

Napi::Error to_js_error(Napi::Env env, const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return with_code(env, error.code(), error.what());
  } catch (const c10::OutOfMemoryError&) {
    return with_code(env, "ERR_OUT_OF_MEMORY", kOutOfMemory);
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    if (says_out_of_memory(message)) return with_code(env, "ERR_OUT_OF_MEMORY", kOutOfMemory);
    return with_code(env, "ERR_NATIVE", "libtorch: " + message);
  } catch (const std::bad_alloc&) {
    return with_code(env, "ERR_OUT_OF_MEMORY", kOutOfMemory);
#ifdef RESNET_HAS_DNNL
  } catch (const dnnl::error& error) {  // the message is the same for every cause
    if (error.status == dnnl_out_of_memory) return with_code(env, "ERR_OUT_OF_MEMORY", kOutOfMemory);
    return with_code(env, "ERR_NATIVE", std::string("oneDNN: ") + error.what());
#endif
  } catch (const std::exception& error) {
    return with_code(env, "ERR_NATIVE", error.what());
  } catch (...) {
    return with_code(env, "ERR_NATIVE", "An unknown native error occurred.");
  }
}

}  // namespace resnet
