#pragma once

#include <cstdint>

#include "inference/kernels/kernels.h"
#include "inference/packed.h"
#include "inference/plan.h"
#include "inference/view.h"

namespace resnet {

/// One convolution step over the images [first, first + count) of its maps.
struct ConvolutionTask {
  const Convolution& step;
  const PackedParameters& packed;
  View input, output, shortcut;  ///< without a shortcut, `shortcut` is the output again
  int64_t first, count;
  float shortcut_scale = 1;  ///< as in kernels::ConvRow
  int border = 0;            ///< the byte that the output's border is filled with
};

/// Direct convolution, row by row and panel by panel, on the calling thread's IntraOpPool.
void convolve(const kernels::Kernels& kernels, const ConvolutionTask& convolution);

/// Winograd's F(2x2, 3x3) (Lavin and Gray 2015, arXiv:1509.09308), on the same pool: a tile of 2x2 outputs takes 16
/// products instead of 36. For float32, kernel 3, stride 1, padding 1, with weights of pack_winograd.
void convolve_winograd(const kernels::Kernels& kernels, const ConvolutionTask& convolution);

/// Whether convolve_winograd can do the step and is the faster of the two. It is not for 512 channels, whose maps are
/// small, so that many tiles reach beyond them, and whose weights are large even before the transform.
bool suits_winograd(const kernels::Kernels& kernels, const Convolution& step);

/// The transformed weights: [panels][16][in][kPanel] floats.
PackedParameters pack_winograd(const Parameters& parameters);

}  // namespace resnet
