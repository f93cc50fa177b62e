#pragma once

#include "image/kernels/kernels.h"
#include "image/rgb.h"
#include "image/taps.h"

namespace resnet {

/// Resizes a picture, computing only a part of the result. The pixels equal those of at::_upsample_bilinear2d_aa and
/// at::_upsample_bicubic2d_aa. Each row of the picture is read once, and only the rows that contribute to one row of
/// the result are in memory at a time.
///
/// @param rows,columns what antialiasing_taps() has for the part of the height and width that is computed
/// @param output its first pixel
/// @param output_row_bytes from one row of the output to the next
void resize(const RgbPicture& picture, const Taps& rows, const Taps& columns, uint8_t* output, int64_t output_row_bytes,
            const resizing::ResizeKernels& kernels = resizing::resize_kernels());

}  // namespace resnet
