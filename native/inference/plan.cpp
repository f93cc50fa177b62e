#include "inference/plan.h"

#include <sstream>

#include "model/blocks.h"

namespace resnet {
namespace {

class Planner {
 public:
  explicit Planner(const ResNetImpl& network) {
    auto x = add_convolution("conv", "conv", "bn", *network.conv, 0, {}, /*relu=*/true);
    x = add_max_pool(*network.max_pool, x);
    int64_t index = 0;
    for (const auto& stage : network.stages) {
      for (const auto& block : stage) {
        const auto name = "residual_block." + std::to_string(index++);
        if (const auto* basic = block->as<BasicBlockImpl>()) x = add_block(name, *basic, x);
        if (const auto* bottleneck = block->as<BottleneckBlockImpl>()) x = add_block(name, *bottleneck, x);
      }
    }
    const auto features = new_value();
    plan.steps.emplace_back(GlobalAverage{x, features});
    const auto& weight = network.fc->weight;
    plan.steps.emplace_back(Classifier{"fc", features, new_value(), weight.size(1), weight.size(0)});
  }

  Plan plan;

 private:
  ValueId new_value() { return plan.values++; }

  ValueId add_convolution(const std::string& name, const std::string& conv_name, const std::string& norm_name,
                          const Conv2DImpl& conv, ValueId input, std::optional<ValueId> shortcut, bool relu) {
    const auto output = new_value();
    plan.steps.emplace_back(Convolution{name, conv_name, norm_name, input, output, shortcut, conv.weight.size(1),
                                        conv.weight.size(0), conv.weight.size(2), conv.stride, conv.padding, relu});
    return output;
  }

  /// One of the article's Sequentials: convolution, batch norm and, if `relu`, a ReLU.
  ValueId add_convolution(const std::string& name, const torch::nn::Sequential& layers, ValueId input,
                          std::optional<ValueId> shortcut, bool relu) {
    return add_convolution(name, name + ".0", name + ".1", *layers->ptr(0)->as<Conv2DImpl>(), input, shortcut, relu);
  }

  ValueId add_max_pool(const MaxPool2DImpl& pool, ValueId input) {
    const auto output = new_value();
    plan.steps.emplace_back(MaxPool{input, output, pool.kernel_size, pool.stride, pool.padding});
    return output;
  }

  template <class Block>
  ValueId add_shortcut(const std::string& name, const Block& block, ValueId x) {
    if (block.down_sample_block.is_empty()) return x;
    return add_convolution(name + ".down_sample_block", block.down_sample_block, x, {}, /*relu=*/false);
  }

  ValueId add_block(const std::string& name, const BasicBlockImpl& block, ValueId x) {
    const auto shortcut = add_shortcut(name, block, x);
    x = add_convolution(name + ".conv_bn_block1", block.conv_bn_block1, x, {}, /*relu=*/true);
    return add_convolution(name + ".conv_bn_block2", block.conv_bn_block2, x, shortcut, /*relu=*/true);
  }

  ValueId add_block(const std::string& name, const BottleneckBlockImpl& block, ValueId x) {
    const auto shortcut = add_shortcut(name, block, x);
    x = add_convolution(name + ".conv_bn_block1", block.conv_bn_block1, x, {}, /*relu=*/true);
    x = add_convolution(name + ".conv_bn_block2", block.conv_bn_block2, x, {}, /*relu=*/true);
    return add_convolution(name + ".conv_bn_block3", block.conv_bn_block3, x, shortcut, /*relu=*/true);
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
    out << '%' << step.output << " = max_pool " << step.kernel << 'x' << step.kernel << '/' << step.stride << " (%"
        << step.input << ')';
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
      [](const auto& operation) -> Operands {
        if constexpr (requires { operation.shortcut; }) {
          return {operation.input, operation.output, operation.shortcut};
        }
        return {operation.input, operation.output, {}};
      },
      step);
}

std::size_t Plan::steps_to(OutputPoint output) const {
  switch (output) {
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

Plan plan_of(const ResNetImpl& network) { return std::move(Planner(network).plan); }

}  // namespace resnet
