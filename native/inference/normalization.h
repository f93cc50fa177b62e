#pragma once

#include <array>

namespace resnet {

/// How uint8 pictures become the network's input: (value / 255 - mean) / std, per channel.
struct Normalization {
  std::array<double, 3> mean, std;
};

}  // namespace resnet
