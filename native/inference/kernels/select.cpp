#include "inference/kernels/kernels.h"

namespace resnet::kernels {

#if defined(__x86_64__)

const Kernels* select(Element element) {
  const bool base = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (!base) return nullptr;
  switch (element) {
    case Element::kFloat32:
      return &kAvx512Float32;
    case Element::kBFloat16:
      return __builtin_cpu_supports("avx512bf16") ? &kAvx512BFloat16 : nullptr;
    case Element::kUInt8:
      return __builtin_cpu_supports("avx512vnni") ? &kAvx512UInt8 : nullptr;
  }
  return nullptr;
}

#else

const Kernels* select(Element) { return nullptr; }

#endif

}  // namespace resnet::kernels
