#pragma once

namespace resnet {

/// Whether this is a build with AddressSanitizer, which guards the ends of malloc's blocks and of no other memory.
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif

}  // namespace resnet
