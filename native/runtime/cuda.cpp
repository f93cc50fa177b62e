#include "runtime/cuda.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace resnet {
namespace {

/// The folder of the libtorch that is loaded in this process.
std::filesystem::path libtorch_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&at::globalContext), &info) == 0 || info.dli_fname == nullptr) return {};
  return std::filesystem::path(info.dli_fname).parent_path();
}

int count_devices() {
  try {
    return at::globalContext().hasCUDA() ? static_cast<int>(at::detail::getCUDAHooks().getNumGPUs()) : 0;
  } catch (const std::exception&) {
    return 0;  // libtorch throws where the driver is too old
  }
}

CudaStatus load_cuda() {
  const auto& source = cuda_source();
  std::error_code ignored;  // an unreadable folder counts as an absent library
  if (!std::filesystem::exists(source.library, ignored)) {
    return {false, "ERR_CUDA_VARIANT",
            "the libtorch in use has no CUDA part (" + source.library +
                " does not exist); install with LIBTORCH_VARIANT=cuda to get it"};
  }
  // RTLD_GLOBAL, because the CUDA part registers itself in tables of the CPU part, which both must share.
  if (dlopen(source.library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    return {false, "ERR_CUDA_LIBRARY", std::string("a library that CUDA needs cannot be loaded: ") + dlerror()};
  }
  const int devices = source.count_devices();
  if (devices == 0) {
    return {false, "ERR_CUDA_DRIVER", "libtorch's CUDA part is loaded, but there is no NVIDIA driver or no device"};
  }
  // cuDNN uses TF32 for convolutions by default, whose 10-bit fraction is too short for float32 parity.
  const bool allow_tf32 = std::getenv("LIBTORCH_RESNET_ALLOW_TF32") != nullptr;
  at::globalContext().setAllowTF32CuDNN(allow_tf32);
  at::globalContext().setAllowTF32CuBLAS(allow_tf32);
  return {true, "", "available", devices};
}

}  // namespace

CudaSource& cuda_source() {
  static CudaSource source{(libtorch_folder() / "libtorch_cuda.so").string(), count_devices};
  return source;
}

const CudaStatus& cuda_status() {
  static const CudaStatus status = load_cuda();
  return status;
}

std::vector<CudaDevice> cuda_devices() {
  std::vector<CudaDevice> devices;
  if (!cuda_status().available) return devices;
  // Through the driver's C interface, which is stable: libtorch's headers for this need the CUDA toolkit.
  void* driver = dlopen("libcuda.so.1", RTLD_NOW);
  const auto find = [driver](const char* name) { return driver == nullptr ? nullptr : dlsym(driver, name); };
  const auto get_name = reinterpret_cast<int (*)(char*, int, int)>(find("cuDeviceGetName"));
  const auto get_memory = reinterpret_cast<int (*)(size_t*, int)>(find("cuDeviceTotalMem_v2"));
  for (int index = 0; index < cuda_status().devices; index++) {
    std::array<char, 256> name{};
    size_t memory = 0;
    if (get_name != nullptr) get_name(name.data(), static_cast<int>(name.size()) - 1, index);
    if (get_memory != nullptr) get_memory(&memory, index);
    devices.push_back({name.data(), static_cast<double>(memory)});
  }
  return devices;
}

}  // namespace resnet
