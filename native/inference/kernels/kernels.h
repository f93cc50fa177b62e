#pragma once

#include <cstdint>

// The arithmetic of optimized inference, one file per instruction set and element type. These files are compiled with
// instructions that the machine may lack, so they must not include anything with inline functions that the rest of the
// program uses too: the linker keeps a single copy of such a function, and might keep the one with those instructions.
// Types and constants are safe to share.
namespace resnet::kernels {

/// Output channels that are computed together. A panel of packed weights is [words of a window][kPanel] words.
inline constexpr int kPanel = 64;

/// Height and width of a pooling window.
inline constexpr int kPoolKernel = 3;

/// The type of a network's activations, which are read, multiplied and written.
enum class Element : std::uint8_t { kFloat32, kBFloat16, kUInt8 };

/// A row of output pixels, for one panel of output channels: the sum over the window, times scale, plus bias, plus
/// shortcut, then ReLU. Maps are channels-last, so that a row of a window is contiguous.
///
/// For uint8, scale, bias and shortcut_scale map the sum to an element of the output, which is rounded and clamped.
///
/// Strides are in bytes. A word is 32 bits: one float32, two bfloat16 or four uint8 values of consecutive channels.
struct ConvRow {
  const char* input;           ///< the first pixel's window
  int64_t input_pixel_stride;  ///< from one pixel's window to the next one's
  int64_t input_row_stride;    ///< from one row of a window to the next
  int64_t window_rows;
  int64_t row_words;      ///< words in one row of a window
  const char* weights;    ///< the panel
  const float* scale;     ///< [kPanel], uint8 only: of the integer sums
  const float* bias;      ///< [kPanel]
  const char* shortcut;   ///< may be null; has the strides of the output
  float shortcut_scale;   ///< uint8 only
  char* output;           ///< may be the same memory as the shortcut
  int64_t output_stride;  ///< from one pixel to the next
  int64_t pixels;
  bool relu;  ///< ignored for uint8, where clamping at zero point 0 does it
};

/// Max pooling with windows of kPoolKernel x kPoolKernel over the output of a ReLU: one row of output. The maximum of
/// NaN and anything is NaN. The input's border, which must be zeros, is part of its memory.
struct PoolRow {
  const char* input;  ///< top left pixel of the first window, in the border where there is padding
  int64_t input_row_stride;
  char* output;
  int64_t pixels, channels, stride;
};

/// Adds up the pixels of one row, per channel.
struct SumRow {
  const char* input;
  int64_t pixels, channels;
  float* output;  ///< [channels], accumulated into
};

/// Winograd's input transform B^T d B of one tile d of 4x4 pixels, for all channels: F(2x2, 3x3) of Lavin and Gray
/// 2015, arXiv:1509.09308.
struct WinogradInput {
  const float* pixels[4][4];  ///< the first channel of each
  int64_t channels;           ///< a multiple of 16
  float* output;              ///< [channels] for the first of the 16 positions
  int64_t output_stride;      ///< floats from one position to the next
};

/// Winograd's output transform A^T m A of one tile's products m, plus bias, plus shortcut, then ReLU: 2x2 pixels of one
/// panel.
struct WinogradOutput {
  const float* products;         ///< [kPanel] for the first of the 16 positions
  int64_t products_stride;       ///< floats from one position to the next
  const float* bias;             ///< [kPanel]
  const float* shortcuts[2][2];  ///< null without a shortcut
  float* outputs[2][2];          ///< null beyond the edge of the map
  bool relu;
};

/// Interleaves a row of three planes of numbers into pixels of four channels, the fourth zero.
struct PlanesRow {
  const float* planes[3];
  int64_t pixels;
  float scale, zero_point;  ///< uint8 only: number = (element - zero_point) * scale
  char* output;
};

/// The kernels of one instruction set for one element type.
struct Kernels {
  const char* name;
  Element element;
  void (*conv)(const ConvRow&);
  void (*max_pool)(const PoolRow&);
  void (*sum)(const SumRow&);
  /// False if a number is NaN or infinite and the element type has no such value. Null for float32, whose input has
  /// three channels.
  bool (*interleave)(const PlanesRow&);
  void (*winograd_input)(const WinogradInput&);    ///< float32 only, otherwise null
  void (*winograd_output)(const WinogradOutput&);  ///< likewise
};

/// The kernels for this machine's processor; null where it lacks the instructions.
const Kernels* select(Element element);

extern const Kernels kAvx512Float32, kAvx512BFloat16, kAvx512UInt8;

}  // namespace resnet::kernels
