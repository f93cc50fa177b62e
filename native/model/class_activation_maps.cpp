#include "model/class_activation_maps.h"

namespace resnet {

at::Tensor class_activation_maps(const at::Tensor& weight, const at::Tensor& map, const at::Tensor& classes) {
  const auto weights = weight.index_select(0, classes.to(weight.device()));
  return at::einsum("nc,nchw->nhw", {weights, map});
}

}  // namespace resnet
