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

/// The folder of the libtorch that this process runs on.
std::filesystem::path libtorch_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&at::globalContext), &info) == 0 || info.dli_fname == nullptr) return {};
  return std::filesystem::path(info.dli_fname).parent_path();
}

int count_devices() {
  try {
    return at::globalContext().hasCUDA() ? static_cast<int>(at::detail::getCUDAHooks().getNumGPUs()) : 0;
  } catch (const std::exception&) {
    return 0;  // a driver too old for the library reports itself by throwing
  }
}

CudaStatus look() {
  const auto& source = cuda_source();
  std::error_code unreadable;  // counts as absent
  if (!std::filesystem::exists(source.library, unreadable)) {
    return {false, "ERR_CUDA_VARIANT",
            "the libtorch in use has no CUDA part (" + source.library +
                " does not exist); install with LIBTORCH_VARIANT=cuda to get it"};
  }
  // RTLD_GLOBAL: libtorch's CPU part finds the CUDA one through registries that both must share.
  if (dlopen(source.library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    return {false, "ERR_CUDA_LIBRARY", std::string("a library that CUDA needs cannot be loaded: ") + dlerror()};
  }
  const int devices = source.count_devices();
  if (devices == 0) {
    return {false, "ERR_CUDA_DRIVER", "libtorch's CUDA part is loaded, but there is no NVIDIA driver or no device"};
  }
  // cuDNN's convolutions use TF32 by default, which keeps 10 bits of the fraction: too few for float32 parity.
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
  static const CudaStatus status = look();
  return status;
}

std::vector<CudaDevice> cuda_devices() {
  std::vector<CudaDevice> devices;
  if (!cuda_status().available) return devices;
  // The driver's own C interface: its signatures are stable, and libtorch's headers for it need the toolkit.
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
