#include "inference/plan.h"

#include <sstream>

#include "model/blocks.h"
#include "model/resnet.h"

namespace resnet {
namespace {

/// y = (conv(x) - mean) / sqrt(var + eps) * weight + bias is a convolution too.
Parameters folded(const Conv2DImpl& conv, const BatchNorm2DImpl& norm, bool release) {
  const at::NoGradGuard no_grad;
  const auto on_cpu = [](const at::Tensor& tensor) { return tensor.to(at::kCPU, at::kDouble); };
  const auto scale = on_cpu(norm.weight) / (on_cpu(norm.running_var) + norm.kEpsilon).sqrt();
  const auto bias = on_cpu(norm.bias) - on_cpu(norm.running_mean) * scale;
  const auto weight = conv.weight.detach();  // holds the values alone once the network lets go of them
  if (release) conv.weight.set_data(at::empty({0}, conv.weight.options()));
  return {weight, scale, bias.to(at::kFloat)};
}

Parameters unscaled(const LinearImpl& linear) {
  return {linear.weight, at::ones({linear.weight.size(0)}, at::kDouble), linear.bias.to(at::kCPU)};
}

class Planner {
 public:
  Planner(const ResNetImpl& network, bool release) : release_(release) {
    const auto stem = convolution("conv", *network.conv, *network.bn, 0, {}, true);
    auto x = value();
    plan.steps.emplace_back(MaxPool{stem, x});
    for (const auto& child : network.residual_block->named_children()) {
      const auto name = "residual_block." + child.key();
      if (const auto* basic = child.value()->as<BasicBlockImpl>()) x = block(name, *basic, x);
      if (const auto* bottleneck = child.value()->as<BottleneckBlockImpl>()) x = block(name, *bottleneck, x);
    }
    const auto features = value();
    plan.steps.emplace_back(GlobalAverage{x, features});
    const auto& fc = *network.fc;
    plan.steps.emplace_back(
        Classifier{"fc", features, value(), fc.weight.size(1), fc.weight.size(0), [&fc] { return unscaled(fc); }});
  }

  Plan plan;

 private:
  bool release_;

  ValueId value() { return plan.values++; }

  ValueId convolution(std::string name, const Conv2DImpl& conv, const BatchNorm2DImpl& norm, ValueId input,
                      std::optional<ValueId> shortcut, bool relu) {
    const auto output = value();
    plan.steps.emplace_back(Convolution{std::move(name), input, output, shortcut, conv.weight.size(1),
                                        conv.weight.size(0), conv.weight.size(2), conv.stride, conv.padding, relu,
                                        [release = release_, &conv, &norm] { return folded(conv, norm, release); }});
    return output;
  }

  /// A Sequential of the article: convolution, batch norm, and a ReLU or not.
  ValueId convolution(const std::string& name, const torch::nn::Sequential& layers, ValueId input,
                      std::optional<ValueId> shortcut, bool relu) {
    const auto& conv = *layers->ptr(0)->as<Conv2DImpl>();
    const auto& norm = *layers->ptr(1)->as<BatchNorm2DImpl>();
    return convolution(name, conv, norm, input, shortcut, relu);
  }

  template <class Block>
  ValueId shortcut_of(const std::string& name, const Block& block, ValueId x) {
    if (block.down_sample_block.is_empty()) return x;
    return convolution(name + ".down_sample_block", block.down_sample_block, x, {}, false);
  }

  ValueId block(const std::string& name, const BasicBlockImpl& block, ValueId x) {
    const auto shortcut = shortcut_of(name, block, x);
    x = convolution(name + ".conv_bn_block1", block.conv_bn_block1, x, {}, true);
    return convolution(name + ".conv_bn_block2", block.conv_bn_block2, x, shortcut, true);
  }

  ValueId block(const std::string& name, const BottleneckBlockImpl& block, ValueId x) {
    const auto shortcut = shortcut_of(name, block, x);
    x = convolution(name + ".conv_bn_block1", block.conv_bn_block1, x, {}, true);
    x = convolution(name + ".conv_bn_block2", block.conv_bn_block2, x, {}, true);
    return convolution(name + ".conv_bn_block3", block.conv_bn_block3, x, shortcut, true);
  }
};

struct Describe {
  std::ostream& out;

  void operator()(const Convolution& step) const {
    out << '%' << step.output << " = conv " << step.kernel << 'x' << step.kernel << '/' << step.stride << ' '
        << step.in_channels << " -> " << step.out_channels << " (%" << step.input << ')';
    if (step.shortcut) out << " + %" << *step.shortcut;
    if (step.relu) out << ", relu";
    out << "  # " << step.name;
  }
  void operator()(const MaxPool& step) const {
    out << '%' << step.output << " = max_pool 3x3/2 (%" << step.input << ')';
  }
  void operator()(const GlobalAverage& step) const { out << '%' << step.output << " = mean (%" << step.input << ')'; }
  void operator()(const Classifier& step) const {
    out << '%' << step.output << " = linear " << step.in_features << " -> " << step.out_features << " (%" << step.input
        << ")  # " << step.name;
  }
};

}  // namespace

Operands operands_of(const Step& step) {
  return std::visit(
      [](const auto& one) -> Operands {
        if constexpr (requires { one.shortcut; }) return {one.input, one.output, one.shortcut};
        return {one.input, one.output, {}};
      },
      step);
}

std::size_t Plan::steps_until(OutputPoint until) const {
  switch (until) {
    case OutputPoint::kLogits:
      return steps.size();
    case OutputPoint::kFeatures:
      return steps.size() - 1;
    case OutputPoint::kMap:
      return steps.size() - 2;
  }
  return 0;
}

std::vector<std::size_t> Plan::last_uses() const {
  std::vector<std::size_t> last(values, steps.size());
  for (std::size_t i = 0; i < steps.size(); i++) {
    const auto operands = operands_of(steps[i]);
    last[operands.input] = i;
    if (operands.shortcut) last[*operands.shortcut] = i;
  }
  return last;
}

std::vector<std::string> Plan::names() const {
  std::vector<std::string> names(values, "input");
  for (const auto& step : steps) {
    auto& name = names[operands_of(step).output];
    if (const auto* conv = std::get_if<Convolution>(&step)) name = conv->name;
    if (std::holds_alternative<MaxPool>(step)) name = "max_pool";
    if (std::holds_alternative<GlobalAverage>(step)) name = "avg_pool";
    if (const auto* classifier = std::get_if<Classifier>(&step)) name = classifier->name;
  }
  return names;
}

std::string Plan::text() const {
  std::ostringstream out;
  for (const auto& step : steps) {
    std::visit(Describe{out}, step);
    out << '\n';
  }
  return out.str();
}

Plan plan_of(const ResNetImpl& network, bool release) { return std::move(Planner(network, release).plan); }

}  // namespace resnet
