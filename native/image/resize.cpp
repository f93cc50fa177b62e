#include "image/resize.h"

#include <algorithm>
#include <array>
#include <vector>

#include "rounding.h"

namespace resnet {
namespace {

using resizing::kMaxRows;
using resizing::kSlack;
using resizing::kVector;
using resizing::ResizeKernels;

/// A picture's rows, with memory behind each that a kernel may read.
class PictureRows {
 public:
  explicit PictureRows(const RgbPicture& picture)
      : picture_(picture),
        pixel_bytes_(3 * picture.width),
        unsafe_(picture.height - ceil_div(kSlack, picture.row_bytes)),
        copies_(kMaxRows * (pixel_bytes_ + kSlack)) {}

  /// @param slot below kMaxRows. The row is there until another is asked for with the same slot.
  const uint8_t* row(int64_t y, int64_t slot) {
    const auto* row = picture_.data + y * picture_.row_bytes;
    if (y < unsafe_) return row;
    auto* copy = &copies_[slot * (pixel_bytes_ + kSlack)];
    std::copy_n(row, pixel_bytes_, copy);
    return copy;
  }

 private:
  RgbPicture picture_;
  int64_t pixel_bytes_;  ///< without what lies between two rows
  int64_t unsafe_;       ///< the first row with fewer than kSlack bytes behind it
  std::vector<uint8_t> copies_;
};

/// A picture's rows at their new width: made in order, a few at a time, into a ring of the latest ones.
class ResizedRows {
 public:
  /// @param latest how many can be read at a time
  ResizedRows(const RgbPicture& picture, const Taps& columns, int64_t latest, const ResizeKernels& kernels)
      : input_(picture),
        height_(picture.height),
        columns_(columns),
        kernels_(kernels),
        row_bytes_(round_up(3 * static_cast<int64_t>(columns.starts.size()) + kSlack, kVector)),
        capacity_(latest + kernels.rows),
        ring_(capacity_ * row_bytes_) {}

  /// Makes rows up to `end`, without those before `first` if they are not made yet.
  void make(int64_t first, int64_t end) {
    for (next_ = std::max(next_, first); next_ < end; next_ += kernels_.rows) {
      std::array<const uint8_t*, kMaxRows> inputs{};
      std::array<uint8_t*, kMaxRows> outputs{};
      for (int64_t slot = 0; slot < kernels_.rows; slot++) {
        const auto y = std::min(next_ + slot, height_ - 1);
        inputs[slot] = input_.row(y, slot);
        outputs[slot] = &ring_[y % capacity_ * row_bytes_];
      }
      kernels_.horizontal({inputs.data(), outputs.data(), static_cast<int64_t>(columns_.starts.size()),
                           columns_.starts.data(), columns_.weights.data(), columns_.size, columns_.precision});
    }
  }

  [[nodiscard]] const uint8_t* row(int64_t y) const { return &ring_[y % capacity_ * row_bytes_]; }

 private:
  PictureRows input_;
  int64_t height_;
  const Taps& columns_;
  const ResizeKernels& kernels_;
  int64_t row_bytes_, capacity_;
  std::vector<uint8_t> ring_;
  int64_t next_ = 0;
};

}  // namespace

void resize(const RgbPicture& picture, const Taps& rows, const Taps& columns, uint8_t* output, int64_t output_row_bytes,
            const ResizeKernels& kernels) {
  ResizedRows resized(picture, columns, rows.size, kernels);
  std::vector<const uint8_t*> inputs(rows.size);
  for (int64_t y = 0; y < rows.count; y++) {
    const auto first = rows.starts[y];
    resized.make(first, std::min(first + rows.size, picture.height));
    for (int64_t t = 0; t < rows.size; t++) inputs[t] = resized.row(std::min(first + t, picture.height - 1));
    kernels.vertical({inputs.data(), output + y * output_row_bytes, 3 * columns.count, &rows.weights[y * rows.size],
                      rows.size, rows.precision});
  }
}

}  // namespace resnet
