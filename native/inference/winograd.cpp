#include <algorithm>
#include <array>
#include <vector>

#include "inference/convolve.h"
#include "runtime/intra_op_pool.h"
#include "system/persistent_memory.h"

namespace resnet {
namespace {

using kernels::kPanel;

constexpr int64_t kPositions = 16;
/// Tiles of a piece: four times the pixels of a kernel's tile, so that each weight read serves many.
constexpr int64_t kTiles = 28;
/// Tiles across at a time: a piece is a whole row or more, and a row may be a million pixels long.
constexpr int64_t kMaxAcross = 8 * kTiles;

/// G g G^T of a 3 x 3 window g, in float64.
std::array<double, kPositions> transformed(const float* g, double scale) {
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

/// A thread's own memory, kept for the next piece.
float* scratch(int64_t floats) {
  thread_local std::vector<float> memory;
  if (static_cast<int64_t>(memory.size()) < floats) memory.resize(floats);
  return memory.data();
}

/// Tiles from one row and column to others.
struct Tiles {
  int64_t first_row, end_row, first_column, end_column;
};

/// Some tiles of one image, for some panels.
class Piece {
 public:
  Piece(const kernels::Kernels& kernels, const ConvolutionTask& task, int64_t image, const Tiles& tiles)
      : kernels_(kernels),
        task_(task),
        image_(image),
        first_row_(tiles.first_row),
        first_column_(tiles.first_column),
        across_(tiles.end_column - tiles.first_column),
        tiles_((tiles.end_row - tiles.first_row) * across_),
        inputs_(scratch(kPositions * tiles_ * (task.step.in_channels + kPanel))),
        products_(inputs_ + kPositions * tiles_ * task.step.in_channels) {}

  void run(int64_t first_panel, int64_t end_panel) {
    for (int64_t tile = 0; tile < tiles_; tile++) transform_input(tile);
    for (auto panel = first_panel; panel < end_panel; panel++) {
      multiply(panel);
      for (int64_t tile = 0; tile < tiles_; tile++) transform_output(tile, panel);
    }
  }

 private:
  [[nodiscard]] int64_t y_of(int64_t tile) const { return 2 * (first_row_ + tile / across_); }
  [[nodiscard]] int64_t x_of(int64_t tile) const { return 2 * (first_column_ + tile % across_); }

  void transform_input(int64_t tile) const {
    const auto& map = task_.input.map;
    kernels::WinogradInput one{};
    for (int i = 0; i < 4; i++) {
      // What lies beyond the border adds to no output that is kept; anything there is will do.
      const auto y = std::min(y_of(tile) - 1 + i, map.height);
      for (int j = 0; j < 4; j++) {
        const auto x = std::min(x_of(tile) - 1 + j, map.width);
        one.pixels[i][j] = reinterpret_cast<const float*>(task_.input.pixel(image_, y, x));
      }
    }
    one.channels = map.channels;
    one.output = inputs_ + tile * map.channels;
    one.output_step = tiles_ * map.channels;
    kernels_.winograd_input(one);
  }

  void multiply(int64_t panel) const {
    static constexpr std::array<float, kPanel> kNoBias{};
    const auto channels = task_.step.in_channels;
    kernels::ConvRow row{};
    row.input_pixel_step = channels * static_cast<int64_t>(sizeof(float));
    row.window_rows = 1;
    row.row_words = channels;
    row.bias = kNoBias.data();
    row.output_step = kPanel * static_cast<int64_t>(sizeof(float));
    row.pixels = tiles_;
    const auto* weights =
        static_cast<const char*>(task_.packed.weights.const_data_ptr()) + panel * task_.packed.panel_bytes;
    for (int64_t position = 0; position < kPositions; position++) {
      row.input = reinterpret_cast<const char*>(inputs_ + position * tiles_ * channels);
      row.weights = weights + position * task_.packed.panel_bytes / kPositions;
      row.output = reinterpret_cast<char*>(products_ + position * tiles_ * kPanel);
      kernels_.conv(row);
    }
  }

  void transform_output(int64_t tile, int64_t panel) const {
    const auto& map = task_.output.map;
    const auto offset = panel * kPanel * static_cast<int64_t>(sizeof(float));
    kernels::WinogradOutput one{};
    one.products = products_ + tile * kPanel;
    one.products_step = tiles_ * kPanel;
    one.bias = task_.packed.bias.const_data_ptr<float>() + panel * kPanel;
    one.relu = task_.step.relu;
    for (int i = 0; i < 2; i++) {
      for (int j = 0; j < 2; j++) {
        const auto y = y_of(tile) + i;
        const auto x = x_of(tile) + j;
        if (y >= map.height || x >= map.width) continue;
        one.outputs[i][j] = reinterpret_cast<float*>(task_.output.pixel(image_, y, x) + offset);
        if (!task_.step.shortcut) continue;
        one.shortcuts[i][j] = reinterpret_cast<const float*>(task_.shortcut.pixel(image_, y, x) + offset);
      }
    }
    kernels_.winograd_output(one);
  }

  const kernels::Kernels& kernels_;
  const ConvolutionTask& task_;
  int64_t image_, first_row_, first_column_, across_, tiles_;
  float* inputs_;    ///< [16][tiles][in]
  float* products_;  ///< [16][tiles][kPanel]
};

}  // namespace

bool suits_winograd(const kernels::Kernels& kernels, const Convolution& step) {
  return kernels.winograd_input != nullptr && step.kernel == 3 && step.stride == 1 && step.padding == 1 &&
         step.in_channels == step.out_channels && step.in_channels <= 256;
}

Packed pack_winograd(const Parameters& parameters) {
  const auto weight = parameters.weight.to(at::kCPU).contiguous();
  const auto out = weight.size(0);
  const auto in = weight.size(1);
  Packed packed;
  packed.panels = (out + kPanel - 1) / kPanel;
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
  IntraOpPool::of_this_thread().run(in, [&](int64_t c) {
    for (int64_t channel = 0; channel < out; channel++) {
      const auto values = transformed(from + (channel * in + c) * 9, scale[channel]);
      for (int64_t position = 0; position < kPositions; position++) {
        const auto row = (channel / kPanel * kPositions + position) * in + c;
        to[row * kPanel + channel % kPanel] = static_cast<float>(values[position]);
      }
    }
  });
  return packed;
}

void convolve_winograd(const kernels::Kernels& kernels, const ConvolutionTask& task) {
  const auto& map = task.output.map;
  const auto rows = (map.height + 1) / 2;
  const auto across = (map.width + 1) / 2;
  const auto panels = task.packed.panels;
  auto& team = IntraOpPool::of_this_thread();
  const auto threads = team.threads();
  // As many blocks for each thread, of about kTiles; where an image has too few, its panels are shared out as well.
  const auto wanted = (rows * across + kTiles - 1) / kTiles;
  const auto blocks = std::min(rows, (wanted + threads - 1) / threads * threads);
  const auto groups = std::clamp<int64_t>(threads / (blocks * task.count), 1, panels);
  team.run(task.count * blocks * groups, [&](int64_t piece) {
    const auto group = piece % groups;
    const auto block = piece / groups % blocks;
    const auto image = task.first + piece / groups / blocks;
    const auto begin = rows * block / blocks;
    const auto end = rows * (block + 1) / blocks;
    const auto first_panel = panels * group / groups;
    const auto end_panel = panels * (group + 1) / groups;
    for (int64_t column = 0; column < across; column += kMaxAcross) {
      const Tiles tiles{begin, end, column, std::min(across, column + kMaxAcross)};
      Piece(kernels, task, image, tiles).run(first_panel, end_panel);
    }
    constexpr auto kPanelBytes = kPanel * static_cast<int64_t>(sizeof(float));
    for (auto y = 2 * begin; y < std::min(map.height, 2 * end); y++) {
      task.output.fill_border(image, y, first_panel * kPanelBytes, (end_panel - first_panel) * kPanelBytes,
                              task.border);
    }
  });
}

}  // namespace resnet
