#pragma once

#include <cstdint>

#include "inference/kernels/kernels.h"
#include "inference/packed.h"
#include "inference/plan.h"
#include "inference/view.h"

namespace resnet {

/// What a convolution of a plan works on: images [first, first + count) of some maps.
struct ConvolutionTask {
  const Convolution& step;
  const Packed& packed;
  View input, output, shortcut;  ///< no shortcut: the output stands in its place
  int64_t first, count;
  float shortcut_scale = 1;  ///< as kernels::ConvRow has it
  int border = 0;            ///< the byte that the output's border is filled with
};

/// Convolution as it is defined, row by row and panel by panel, shared among the threads of the calling one's team.
void convolve(const kernels::Kernels& kernels, const ConvolutionTask& task);

/// The same by Winograd's F(2 x 2, 3 x 3) (Lavin and Gray, 2015): the outputs of a tile of 2 x 2 come of 16 products
/// instead of 36. For float32, 3 x 3, stride 1, with weights of pack_winograd.
void convolve_winograd(const kernels::Kernels& kernels, const ConvolutionTask& task);

/// Whether convolve_winograd is the faster one. Not with 512 channels: their maps are small, so that many tiles are
/// cut off, and their weights are large already.
bool suits_winograd(const kernels::Kernels& kernels, const Convolution& step);

/// Weights transformed: [panels][16][in][kPanel].
Packed pack_winograd(const Parameters& parameters);

}  // namespace resnet
