import { BasicBlock, BottleneckBlock } from '../blocks';
import { badArgument } from '../errors';
import { Module, UNWRITTEN, type ModuleOptions } from '../module';
import type { NativeModuleSpec } from '../native/addon';
import { ResNet } from '../resnet';
import type { Layers } from '../depths';

/** What a module is made of, as plain JSON: checkpoints hold it. @throws ERR_ARGUMENT if it is none */
export function specOf(module: unknown): NativeModuleSpec {
  if (module instanceof ResNet) return { type: 'ResNet', layers: module.layers, numClasses: module.numClasses };
  if (module instanceof BasicBlock || module instanceof BottleneckBlock) {
    const { inputChannels, outputChannels, stride } = module;
    return {
      type: module instanceof BasicBlock ? 'BasicBlock' : 'BottleneckBlock',
      inputChannels,
      outputChannels,
      stride,
    };
  }
  throw badArgument('net', 'a ResNet, BasicBlock or BottleneckBlock', module);
}

/** A module of that kind whose values are still to be written. */
export function makeModule(spec: NativeModuleSpec): Module {
  const options = { [UNWRITTEN]: true } as ModuleOptions;
  if (spec.type === 'ResNet') return new ResNet(spec.layers as Layers, spec.numClasses, options);
  const { inputChannels, outputChannels, stride } = spec;
  const Block = spec.type === 'BasicBlock' ? BasicBlock : BottleneckBlock;
  return new Block(inputChannels, outputChannels, stride, options);
}
