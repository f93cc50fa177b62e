#include "runtime/device.h"

#include <algorithm>

#include "error.h"
#include "runtime/cuda.h"

namespace resnet {
namespace {

c10::Device cuda_device(const std::string& name, int index) {
  const auto& status = cuda_status();
  if (!status.available) {
    throw Error(status.code, "device '" + name + "' cannot be used: " + status.reason + ".");
  }
  if (index >= status.devices) {
    throw Error(
        "ERR_CUDA_INDEX",
        "device '" + name + "' does not exist: there " +
            (status.devices == 1 ? "is 1 CUDA device" : "are " + std::to_string(status.devices) + " CUDA devices") +
            ", numbered from 0.");
  }
  return {c10::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

}  // namespace

c10::Device device_named(const std::string& name) {
  if (name == "cpu") return c10::kCPU;
  if (name == "meta") return c10::kMeta;
  if (name == "cuda") return cuda_device(name, 0);
  const std::string prefix = "cuda:";
  const auto digits = name.rfind(prefix, 0) == 0 ? name.substr(prefix.size()) : "";
  const bool number = !digits.empty() && digits.size() <= 2 && std::all_of(digits.begin(), digits.end(), ::isdigit);
  if (!number) {
    throw Error("ERR_DEVICE", "device must be 'cpu', 'cuda' or 'cuda:N', but got '" + name.substr(0, 80) + "'.");
  }
  return cuda_device(name, std::stoi(digits));
}

}  // namespace resnet
