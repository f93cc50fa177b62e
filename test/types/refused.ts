// Compiled by `npm run typecheck`, never run: each line below an @ts-expect-error must not compile.
import { BasicBlock, BottleneckBlock, Module, ResNet, summary, Tensor } from '../../lib/index';

export function refused(net: ResNet, x: Tensor, depth: number): void {
  // @ts-expect-error no such depth, as the article says
  new ResNet(20);
  // @ts-expect-error a depth by name
  new ResNet('50');
  // @ts-expect-error any number: it has to be narrowed first
  new ResNet(depth);
  // @ts-expect-error the depth is missing
  new ResNet();
  // @ts-expect-error an unknown option
  new ResNet(18, 10, { pretrained: true });
  // @ts-expect-error an unknown device
  new ResNet(18, 10, { device: 'gpu' });
  // @ts-expect-error the base cannot be made
  new Module();
  // @ts-expect-error the stride is missing
  new BasicBlock(64, 64);
  // @ts-expect-error channels and stride are missing
  new BottleneckBlock();

  // @ts-expect-error an array is no Tensor
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- says the same again
  void net.forward(new Float32Array(3));
  // @ts-expect-error a network is not callable
  net(x);
  // @ts-expect-error a controller is no signal
  void net.forward(x, { signal: new AbortController() });
  // @ts-expect-error a block has no stages
  void new BasicBlock(64, 64, 1).stages(x);
  // @ts-expect-error read-only once it is made
  net.layers = 34;
  // @ts-expect-error read-only: train() and eval() change it
  net.training = true;
  // @ts-expect-error a way of counting that there is not
  net.parameterCount({ count: 'trainable' });

  // @ts-expect-error the shape is missing
  new Tensor([1]);
  // @ts-expect-error an unknown dtype
  new Tensor([1], [1], 'float8');
  // @ts-expect-error a shape is not to be changed
  x.shape[0] = 2;
  // @ts-expect-error text is no number
  new Tensor(['1'], [1]);

  // @ts-expect-error a summary needs a module
  summary(50, [1, 3, 224, 224]);
}
