#pragma once

#include <cstdint>

// The arithmetic of optimized inference, one file for each instruction set. These files are compiled with
// instructions that the machine may lack, so they include nothing whose inline functions could be shared with the
// rest of the program: the linker keeps one copy, and it might keep theirs.
namespace resnet::kernels {

/// Output channels computed together. A panel of packed weights is [words of a window][kPanel][values in a word].
inline constexpr int kPanel = 64;

/// What is read, multiplied and written: all activations of a network have one element type.
enum class Element : std::uint8_t { kFloat32, kBFloat16, kUInt8 };

/// A row of output pixels, for one panel of output channels: sum over the window, times scale, plus bias, plus
/// shortcut, then ReLU. Maps are channels-last, so that a row of a window is one run of memory.
///
/// uint8: scale, bias and shortcut_scale give the output's element itself, which is rounded and clamped.
///
/// Sizes of steps are in bytes. A word is 32 bits: one float32, two bfloat16 or four uint8 values along the channels.
struct ConvRow {
  const char* input;         ///< first value of the first pixel's window
  int64_t input_pixel_step;  ///< from one pixel's window to the next one's
  int64_t input_row_step;    ///< from one row of a window to the next
  int64_t window_rows;
  int64_t row_words;     ///< words in one row of a window
  const char* weights;   ///< the panel
  const float* scale;    ///< [kPanel], uint8 only: of the integer sums
  const float* bias;     ///< [kPanel]
  const char* shortcut;  ///< null where there is none; steps as the output
  float shortcut_scale;  ///< uint8 only
  char* output;          ///< may be the shortcut itself
  int64_t output_step;   ///< from one pixel to the next
  int64_t pixels;
  bool relu;  ///< uint8 elements have none: where 0 stands for 0, it is their lower bound anyway
};

/// Window of 3 x 3 over non-negative values, whose border of zeros is part of the input: one row of output.
struct PoolRow {
  const char* input;  ///< top left pixel of the first window
  int64_t input_row_step;
  char* output;
  int64_t pixels, channels, stride;
};

/// Sums of all pixels of one map, per channel.
struct SumRow {
  const char* input;
  int64_t pixels, channels;
  float* output;  ///< [channels], added to
};

/// B^T d B of one tile d of 4 x 4 pixels, for all channels: F(2 x 2, 3 x 3) of Lavin and Gray, 2015.
struct WinogradInput {
  const float* pixels[4][4];  ///< their first channels
  int64_t channels;           ///< a multiple of 16
  float* output;              ///< [channels] for the first of the 16 positions
  int64_t output_step;        ///< floats, from one position to the next
};

/// A^T m A of one tile's products m, plus bias, plus shortcut, then ReLU: 2 x 2 pixels, one panel.
struct WinogradOutput {
  const float* products;         ///< [kPanel] for the first of the 16 positions
  int64_t products_step;         ///< floats, from one position to the next
  const float* bias;             ///< [kPanel]
  const float* shortcuts[2][2];  ///< null where there is none
  float* outputs[2][2];          ///< null where the map ends before
  bool relu;
};

/// A row of pixels out of three planes of numbers, as four channels: the fourth is zero.
struct PlanesRow {
  const float* planes[3];
  int64_t pixels;
  float scale, zero;  ///< uint8 only: a number is (element - zero) * scale
  char* output;
};

/// What one instruction set offers for one element type.
struct Kernels {
  const char* name;
  Element element;
  void (*conv)(const ConvRow&);
  void (*max_pool)(const PoolRow&);
  void (*sum)(const SumRow&);
  void (*interleave)(const PlanesRow&);            ///< null for float32, which has three channels
  void (*winograd_input)(const WinogradInput&);    ///< null but for float32
  void (*winograd_output)(const WinogradOutput&);  ///< likewise
};

/// The kernels for this machine; null where it lacks the instructions.
const Kernels* select(Element element);

extern const Kernels kAvx512Float32, kAvx512BFloat16, kAvx512UInt8;

}  // namespace resnet::kernels
