"""Saves the article's own ResNet-50 as PaddlePaddle does, with the numbers that save_torch.py has drawn.

Usage: save_paddle.py FOLDER CLASSES
"""
import sys

import numpy as np
import paddle


# The article's code, less its comments and the depths that are not saved here.
class BottleneckBlock(paddle.nn.Layer):
    def __init__(self, input_channels, output_channels, stride):
        super(BottleneckBlock, self).__init__()
        self.input_channels = input_channels
        self.output_channels = output_channels
        self.stride = stride

        self.conv_bn_block1 = paddle.nn.Sequential(
            paddle.nn.Conv2D(in_channels=input_channels, out_channels=output_channels // 4, kernel_size=1, stride=1,
                             bias_attr=False),
            paddle.nn.BatchNorm2D(output_channels // 4),
            paddle.nn.ReLU()
        )

        self.conv_bn_block2 = paddle.nn.Sequential(
            paddle.nn.Conv2D(in_channels=output_channels // 4, out_channels=output_channels // 4, kernel_size=3,
                             stride=stride, padding=1, bias_attr=False),
            paddle.nn.BatchNorm2D(output_channels // 4),
            paddle.nn.ReLU()
        )

        self.conv_bn_block3 = paddle.nn.Sequential(
            paddle.nn.Conv2D(in_channels=output_channels // 4, out_channels=output_channels, kernel_size=1, stride=1,
                             bias_attr=False),
            paddle.nn.BatchNorm2D(output_channels)
        )

        if stride != 1 or input_channels != output_channels:
            self.down_sample_block = paddle.nn.Sequential(
                paddle.nn.Conv2D(in_channels=input_channels, out_channels=output_channels, kernel_size=1,
                                 stride=stride, bias_attr=False),
                paddle.nn.BatchNorm2D(output_channels)
            )

        self.relu_out = paddle.nn.ReLU()

    def forward(self, inputs):
        x = self.conv_bn_block1(inputs)
        x = self.conv_bn_block2(x)
        x = self.conv_bn_block3(x)

        if self.stride != 1 or self.input_channels != self.output_channels:
            inputs = self.down_sample_block(inputs)

        outputs = paddle.add(inputs, x)
        outputs = self.relu_out(outputs)
        return outputs


class ResNet(paddle.nn.Layer):
    def __init__(self, layers, num_classes=1000):
        super(ResNet, self).__init__()
        supported_layers = [50]
        assert layers in supported_layers, \
            'Supported layers are {}, but input layer is {}.'.format(supported_layers, layers)

        layers_config = {
            50: {'block_type': BottleneckBlock, 'num_blocks': [3, 4, 6, 3], 'out_channels': [256, 512, 1024, 2048]},
        }

        self.conv = paddle.nn.Conv2D(in_channels=3, out_channels=64, kernel_size=7, stride=2, padding=3,
                                     bias_attr=False)
        self.bn = paddle.nn.BatchNorm2D(64)
        self.relu = paddle.nn.ReLU()
        self.max_pool = paddle.nn.MaxPool2D(kernel_size=3, stride=2, padding=1)

        input_channels = 64
        block_list = []
        for i, block_num in enumerate(layers_config[layers]['num_blocks']):
            for order in range(block_num):
                block_list.append(layers_config[layers]['block_type'](input_channels,
                                                                      layers_config[layers]['out_channels'][i],
                                                                      2 if order == 0 and i != 0 else 1))
                input_channels = layers_config[layers]['out_channels'][i]

        self.residual_block = paddle.nn.Sequential(*block_list)

        self.avg_pool = paddle.nn.AdaptiveAvgPool2D(output_size=1)
        self.flatten = paddle.nn.Flatten()
        self.fc = paddle.nn.Linear(in_features=layers_config[layers]['out_channels'][-1], out_features=num_classes)

    def forward(self, x):
        x = self.conv(x)
        x = self.bn(x)
        x = self.relu(x)
        x = self.max_pool(x)
        x = self.residual_block(x)
        x = self.avg_pool(x)
        x = self.flatten(x)
        x = self.fc(x)
        return x


LEAVES = {'running_mean': '_mean', 'running_var': '_variance'}


def main(folder, classes):
    model = ResNet(50, classes)
    given = np.load(f'{folder}/state.npz')
    own = model.state_dict()
    # The article registers its layers in torchvision's order, with batch norms' tensors in the same one.
    assert len(own) == len(given.files)
    state = {}
    for (name, tensor), source in zip(own.items(), given.files):
        leaf = source.split('.')[-1]
        assert name.endswith('.' + LEAVES.get(leaf, leaf)), (name, source)
        value = given[source]
        state[name] = value.T if source == 'fc.weight' else value
        assert list(tensor.shape) == list(state[name].shape), (name, source)
    missing, unexpected = model.set_state_dict({name: paddle.to_tensor(value.copy()) for name, value in state.items()})
    assert not missing and not unexpected
    for protocol in (2, 4):
        paddle.save(model.state_dict(), f'{folder}/protocol{protocol}.pdparams', protocol=protocol)

    x = np.fromfile(f'{folder}/input.f32', np.float32).reshape(2, 3, 75, 64)
    model.eval()
    with paddle.no_grad():
        model(paddle.to_tensor(x)).numpy().astype(np.float64).tofile(f'{folder}/paddle.f64')


main(sys.argv[1], int(sys.argv[2]))
