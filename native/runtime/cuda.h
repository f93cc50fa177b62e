#pragma once

#include <functional>
#include <string>
#include <vector>

namespace resnet {

/// Whether CUDA can be used, and the reason if it cannot.
struct CudaStatus {
  bool available = false;
  std::string code;    ///< empty, or ERR_CUDA_VARIANT, ERR_CUDA_LIBRARY or ERR_CUDA_DRIVER
  std::string reason;  ///< for people, to be put into a sentence
  int devices = 0;
};

/// Where CUDA comes from. The addon is linked to libtorch's CPU part only; the CUDA part is loaded from the same folder
/// when it is first needed, so that one binary serves machines with and without a GPU.
struct CudaSource {
  std::string library;                 ///< path of libtorch_cuda
  std::function<int()> count_devices;  ///< called once the library is loaded
};

/// The source for this process. Tests may replace it before the first call of cuda_status().
CudaSource& cuda_source();

/// Loads CUDA on the first call, which takes some tenths of a second, and remembers the outcome.
const CudaStatus& cuda_status();

struct CudaDevice {
  std::string description;  ///< e.g. "NVIDIA H100 80GB HBM3"
  double memory;            ///< in all, bytes
};

/// The CUDA devices by index; empty where CUDA is not available.
std::vector<CudaDevice> cuda_devices();

}  // namespace resnet
