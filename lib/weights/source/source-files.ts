import { dirname, join } from 'node:path';
import type { Layers } from '../../depths';
import { ResNetError } from '../../errors';
import { readJsonObjectIfPresent } from '../formats/json-file';
import type { Naming } from '../names/namings';
import { huggingfaceConfig } from './huggingface-config';
import { huggingfacePreprocess } from './huggingface-preprocess';
import { timmConfig } from './timm-config';
import type { WeightSource } from './weight-source';

/** Whose `config.json` describes files with these names. Files with other names were written by neither. */
const CONFIG_OF: Partial<Record<Naming, WeightSource['from']>> = { huggingface: 'huggingface', torchvision: 'timm' };

/** The files beside a weight file, each of them read on first use and only once. */
export class SourceFiles {
  #config: Promise<WeightSource | undefined> | undefined;

  /** @param path - the weight file or index, not a folder */
  constructor(readonly path: string) {}

  /**
   * What `config.json` says about the weights, if it is Hugging Face's of a ResNet, or timm's. Files of that name that
   * other programs wrote are ignored.
   *
   * @throws ERR_FILE, ERR_WEIGHTS_FORMAT
   */
  config(): Promise<WeightSource | undefined> {
    this.#config ??= this.#readConfig();
    return this.#config;
  }

  /** As {@link SourceFiles.config}, with the preprocessing, which Hugging Face keeps in a separate file. */
  async source(): Promise<WeightSource | undefined> {
    const config = await this.config();
    if (config?.from !== 'huggingface') return config;
    const fields = await readJsonObjectIfPresent(this.#pathOf('preprocessor_config.json'));
    return fields === undefined ? config : { ...config, ...huggingfacePreprocess(fields) };
  }

  /**
   * Rejects a network that is not a plain ResNet according to its `config.json`, though its tensors look like one's.
   *
   * @throws ERR_UNSUPPORTED_MODEL, ERR_FILE, ERR_WEIGHTS_FORMAT
   */
  async checkPlainResNet(naming: Naming, layers: Layers): Promise<void> {
    if (CONFIG_OF[naming] === undefined) return;
    const config = await this.config();
    if (config?.from !== CONFIG_OF[naming] || config.layers !== layers || config.deviation === undefined) return;
    throw new ResNetError(
      'ERR_UNSUPPORTED_MODEL',
      `${this.path} holds no plain ResNet, the only kind supported: in config.json beside it, ${config.deviation}.`,
    );
  }

  async #readConfig(): Promise<WeightSource | undefined> {
    const config = await readJsonObjectIfPresent(this.#pathOf('config.json'));
    return config && (huggingfaceConfig(config) ?? timmConfig(config));
  }

  #pathOf(name: string): string {
    return join(dirname(this.path), name);
  }
}
