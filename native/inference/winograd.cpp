#include <algorithm>
#include <array>
#include <vector>

#include "inference/convolve.h"
#include "rounding.h"
#include "runtime/intra_op_pool.h"
#include "system/persistent_memory.h"

namespace resnet {
namespace {

using kernels::kPanel;

constexpr int64_t kPositions = 16;
/// Tiles of a piece: four times the pixels of a kernel's register tile, so that each weight loaded serves many tiles.
constexpr int64_t kTiles = 28;
/// Limits the width of a piece, which spans whole rows of tiles otherwise: a row may be a million pixels long.
constexpr int64_t kMaxColumns = 8 * kTiles;

/// G g G^T of a 3x3 window g, in float64.
std::array<double, kPositions> transform_weight(const float* g, double scale) {
  std::array<std::array<double, 3>, 4> rows{};
  for (int x = 0; x < 3; x++) {
    const double a = g[x];
    const double b = g[3 + x];
    const double c = g[6 + x];
    rows[0][x] = a;
    rows[1][x] = (a + b + c) / 2;
    rows[2][x] = (a - b + c) / 2;
    rows[3][x] = c;
  }
  std::array<double, kPositions> out{};
  for (int y = 0; y < 4; y++) {
    const auto& [a, b, c] = rows[y];
    out[4 * y] = a * scale;
    out[4 * y + 1] = (a + b + c) / 2 * scale;
    out[4 * y + 2] = (a - b + c) / 2 * scale;
    out[4 * y + 3] = c * scale;
  }
  return out;
}

/// The calling thread's scratch memory, reused by its next piece.
float* scratch(int64_t floats) {
  thread_local std::vector<float> memory;
  if (static_cast<int64_t>(memory.size()) < floats) memory.resize(floats);
  return memory.data();
}

/// A rectangle of tiles.
struct Tiles {
  int64_t first_row, end_row, first_column, end_column;
};

/// A rectangle of tiles of one image: input transform, products and output transform.
class Piece {
 public:
  Piece(const kernels::Kernels& kernels, const ConvolutionTask& convolution, int64_t image, const Tiles& tiles)
      : kernels_(kernels),
        convolution_(convolution),
        image_(image),
        first_row_(tiles.first_row),
        first_column_(tiles.first_column),
        columns_(tiles.end_column - tiles.first_column),
        tiles_((tiles.end_row - tiles.first_row) * columns_),
        inputs_(scratch(kPositions * tiles_ * (convolution.step.in_channels + kPanel))),
        products_(inputs_ + kPositions * tiles_ * convolution.step.in_channels) {}

  void run(int64_t first_panel, int64_t end_panel) {
    for (int64_t tile = 0; tile < tiles_; tile++) transform_input(tile);
    for (auto panel = first_panel; panel < end_panel; panel++) {
      multiply(panel);
      for (int64_t tile = 0; tile < tiles_; tile++) transform_output(tile, panel);
    }
  }

 private:
  [[nodiscard]] int64_t y_of(int64_t tile) const { return 2 * (first_row_ + tile / columns_); }
  [[nodiscard]] int64_t x_of(int64_t tile) const { return 2 * (first_column_ + tile % columns_); }

  void transform_input(int64_t tile) const {
    const auto& map = convolution_.input.map;
    kernels::WinogradInput transform{};
    for (int i = 0; i < 4; i++) {
      // Pixels beyond the border only reach outputs that are dropped, so any pixel can stand in for them.
      const auto y = std::min(y_of(tile) - 1 + i, map.height);
      for (int j = 0; j < 4; j++) {
        const auto x = std::min(x_of(tile) - 1 + j, map.width);
        transform.pixels[i][j] = reinterpret_cast<const float*>(convolution_.input.pixel(image_, y, x));
      }
    }
    transform.channels = map.channels;
    transform.output = inputs_ + tile * map.channels;
    transform.output_stride = tiles_ * map.channels;
    kernels_.winograd_input(transform);
  }

  void multiply(int64_t panel) const {
    static constexpr std::array<float, kPanel> kNoBias{};
    const auto channels = convolution_.step.in_channels;
    kernels::ConvRow row{};
    row.input_pixel_stride = channels * static_cast<int64_t>(sizeof(float));
    row.window_rows = 1;
    row.row_words = channels;
    row.bias = kNoBias.data();
    row.output_stride = kPanel * static_cast<int64_t>(sizeof(float));
    row.pixels = tiles_;
    const auto* weights = static_cast<const char*>(convolution_.packed.weights.const_data_ptr()) +
                          panel * convolution_.packed.panel_bytes;
    for (int64_t position = 0; position < kPositions; position++) {
      row.input = reinterpret_cast<const char*>(inputs_ + position * tiles_ * channels);
      row.weights = weights + position * convolution_.packed.panel_bytes / kPositions;
      row.output = reinterpret_cast<char*>(products_ + position * tiles_ * kPanel);
      kernels_.conv(row);
    }
  }

  void transform_output(int64_t tile, int64_t panel) const {
    const auto& map = convolution_.output.map;
    const auto offset = panel * kPanel * static_cast<int64_t>(sizeof(float));
    kernels::WinogradOutput transform{};
    transform.products = products_ + tile * kPanel;
    transform.products_stride = tiles_ * kPanel;
    transform.bias = convolution_.packed.bias.const_data_ptr<float>() + panel * kPanel;
    transform.relu = convolution_.step.relu;
    for (int i = 0; i < 2; i++) {
      for (int j = 0; j < 2; j++) {
        const auto y = y_of(tile) + i;
        const auto x = x_of(tile) + j;
        if (y >= map.height || x >= map.width) continue;
        transform.outputs[i][j] = reinterpret_cast<float*>(convolution_.output.pixel(image_, y, x) + offset);
        if (!convolution_.step.shortcut) continue;
        transform.shortcuts[i][j] = reinterpret_cast<const float*>(convolution_.shortcut.pixel(image_, y, x) + offset);
      }
    }
    kernels_.winograd_output(transform);
  }

  const kernels::Kernels& kernels_;
  const ConvolutionTask& convolution_;
  int64_t image_, first_row_, first_column_, columns_, tiles_;
  float* inputs_;    ///< [16][tiles][in]
  float* products_;  ///< [16][tiles][kPanel]
};

}  // namespace

bool suits_winograd(const kernels::Kernels& kernels, const Convolution& step) {
  return kernels.winograd_input != nullptr && step.kernel == 3 && step.stride == 1 && step.padding == 1 &&
         step.in_channels == step.out_channels && step.in_channels <= 256;
}

PackedParameters pack_winograd(const Parameters& parameters) {
  const auto weight = parameters.weight.to(at::kCPU).contiguous();
  const auto out = weight.size(0);
  const auto in = weight.size(1);
  PackedParameters packed;
  packed.panels = ceil_div(out, kPanel);
  packed.row_words = in;
  packed.panel_bytes = kPositions * in * kPanel * static_cast<int64_t>(sizeof(float));
  packed.weights = allocate_persistent({packed.panels * packed.panel_bytes}, at::kByte);
  if (out % kPanel != 0) packed.weights.zero_();
  packed.scale = at::ones({packed.panels * kPanel}, at::kFloat);
  packed.bias = at::zeros({packed.panels * kPanel}, at::kFloat);
  packed.bias.narrow(0, 0, out).copy_(parameters.bias);
  const auto* from = weight.const_data_ptr<float>();
  const auto* scale = parameters.scale.const_data_ptr<double>();
  auto* to = reinterpret_cast<float*>(packed.weights.data_ptr());
  IntraOpPool::current().run(in, [&](int64_t c) {
    for (int64_t channel = 0; channel < out; channel++) {
      const auto values = transform_weight(from + (channel * in + c) * 9, scale[channel]);
      for (int64_t position = 0; position < kPositions; position++) {
        const auto row = (channel / kPanel * kPositions + position) * in + c;
        to[row * kPanel + channel % kPanel] = static_cast<float>(values[position]);
      }
    }
  });
  return packed;
}

void convolve_winograd(const kernels::Kernels& kernels, const ConvolutionTask& convolution) {
  const auto& map = convolution.output.map;
  const auto rows = ceil_div(map.height, 2);
  const auto columns = ceil_div(map.width, 2);
  const auto panels = convolution.packed.panels;
  auto& pool = IntraOpPool::current();
  const auto threads = pool.threads();
  // Blocks of rows with about kTiles tiles, the same number for each thread. If an image has too few, the panels are
  // divided too.
  const auto blocks = std::min(rows, round_up(ceil_div(rows * columns, kTiles), threads));
  const auto groups = std::clamp<int64_t>(threads / (blocks * convolution.count), 1, panels);
  pool.run(convolution.count * blocks * groups, [&](int64_t task) {
    const auto group = task % groups;
    const auto block = task / groups % blocks;
    const auto image = convolution.first + task / groups / blocks;
    const auto begin = rows * block / blocks;
    const auto end = rows * (block + 1) / blocks;
    const auto first_panel = panels * group / groups;
    const auto end_panel = panels * (group + 1) / groups;
    for (int64_t column = 0; column < columns; column += kMaxColumns) {
      const Tiles tiles{begin, end, column, std::min(columns, column + kMaxColumns)};
      Piece(kernels, convolution, image, tiles).run(first_panel, end_panel);
    }
    constexpr auto kPanelBytes = kPanel * static_cast<int64_t>(sizeof(float));
    for (auto y = 2 * begin; y < std::min(map.height, 2 * end); y++) {
      convolution.output.fill_border(image, y, first_panel * kPanelBytes, (end_panel - first_panel) * kPanelBytes,
                                     convolution.border);
    }
  });
}

}  // namespace resnet
