#pragma once

#include <functional>
#include <string>
#include <vector>

namespace resnet {

/// Whether CUDA can be used, and if not, which of the four reasons it is.
struct CudaStatus {
  bool available = false;
  std::string code;    ///< empty, or ERR_CUDA_VARIANT, ERR_CUDA_LIBRARY, ERR_CUDA_DRIVER
  std::string reason;  ///< a sentence for people
  int devices = 0;
};

/// Where CUDA comes from. The addon links libtorch's CPU part alone; the CUDA part is loaded the first time it is
/// asked for, from the folder of the libtorch in use, so that one binary serves machines with and without a GPU.
struct CudaSource {
  std::string library;                 ///< path of libtorch_cuda
  std::function<int()> count_devices;  ///< asked after the library is loaded
};

/// The source of this process; a test may replace it before CUDA is first asked for.
CudaSource& cuda_source();

/// Looks once and remembers; loading the library takes some tenths of a second.
const CudaStatus& cuda_status();

/// Names and total memory (bytes) of the CUDA devices; empty where CUDA is not available.
struct CudaDevice {
  std::string description;
  double memory;
};
std::vector<CudaDevice> cuda_devices();

}  // namespace resnet
