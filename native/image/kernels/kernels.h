#pragma once

#include <cstdint>

// The two passes of a resize over 8-bit RGB, one file for each instruction set. As in inference/kernels, these files
// are compiled with instructions that the machine may lack, and include nothing whose inline functions the linker
// could share with the rest of the program.
namespace resnet::resizing {

/// Bytes that the horizontal pass may read beyond a row's last pixel, and write beyond the last one that it makes.
inline constexpr int64_t kSlack = 8;
/// Bytes in the largest register: the vertical pass reads whole ones.
inline constexpr int64_t kVector = 64;
/// Pixels that the horizontal pass makes at a time.
inline constexpr int64_t kPixels = 4;
/// Maximum number of rows in a horizontal pass.
inline constexpr int64_t kMaxRows = 4;

/// Resizes a few rows of the picture in width.
struct HorizontalPass {
  const uint8_t* const* inputs;  ///< [rows], first byte of each
  uint8_t* const* outputs;       ///< [rows]; the same row may stand here twice, with the same input
  int64_t pixels;                ///< in each output, a multiple of kPixels
  const int64_t* starts;         ///< [pixels], first input pixel
  const int16_t* weights;        ///< [pixels][taps]
  int64_t taps;                  ///< even
  int precision;                 ///< sums are rounded and shifted right by so many bits
};

/// Makes one row out of several.
struct VerticalPass {
  const uint8_t* const* inputs;  ///< [taps] rows, readable up to a multiple of kVector
  uint8_t* output;
  int64_t bytes;           ///< written, and no more than these
  const int16_t* weights;  ///< [taps]
  int64_t taps;            ///< even
  int precision;
};

/// What one instruction set offers.
struct ResizeKernels {
  const char* name;
  int64_t rows;  ///< in one horizontal pass
  void (*horizontal)(const HorizontalPass&);
  void (*vertical)(const VerticalPass&);
};

/// The fastest that this machine can run.
const ResizeKernels& resize_kernels();

/// The fastest first. All but the last are for x86 only.
extern const ResizeKernels kAvx512, kAvx2, kPortable;

}  // namespace resnet::resizing
