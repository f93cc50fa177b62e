import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { SUPPORTED_LAYERS } from '../depths';
import { ResNetError, inspect } from '../errors';

const HUB = /^(?:hf-hub:|hf_hub:|hf:\/\/|https?:\/\/(?:www\.)?(?:huggingface\.co|hf\.co)\/)/i;
const HUB_ID = /^[\w.-]+\/[\w.-]+$/;
const URL_SCHEME = /^[a-z][a-z\d+.-]*:\/\//i;
const EXTENSION = /\.(safetensors|pth|pt|th|bin|ckpt|tar|pdparams|pkl|pickle|json|zip|onnx|h5|npz)$/i;

/**
 * The error for weights that are neither a file nor a folder: says what a URL, a model of the Hugging Face Hub or an
 * unknown name would have to be. Other errors, and paths of files, are returned as they are.
 *
 * @param error - what opening `weights` threw
 * @param names - the names that the caller takes besides paths
 */
export function explainMissingWeights(weights: string, error: unknown, names: readonly string[]): unknown {
  const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
  if (!['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(cause?.code ?? '')) return error;
  const advice = adviceFor(weights, names);
  if (advice === undefined) return error;
  const message = `weights must be a file or a folder on this machine, but got ${inspect(weights)}. ${advice}`;
  return new ResNetError('ERR_FILE', message, { cause });
}

function adviceFor(weights: string, names: readonly string[]): string | undefined {
  const id = weights.replace(HUB, '').replace(/\/$/, '');
  const isHub = HUB_ID.test(id) && (id !== weights || (!EXTENSION.test(id) && !existsSync(dirname(id))));
  if (isHub) return `If it is a model of the Hugging Face Hub: ${downloadFromHub(id)}.`;
  if (/^file:/i.test(weights)) return "It is a URL: pass the path, which fileURLToPath() of 'node:url' gives.";
  if (/^data:/i.test(weights)) return 'It is a URL with data: write them to a file, and pass its path.';
  if (URL_SCHEME.test(weights)) return 'It is a URL: download the file, and pass its path.';
  if (/[/\\]/.test(weights) || EXTENSION.test(weights)) return undefined;
  return adviceForName(weights, names);
}

function downloadFromHub(id: string): string {
  return `download it (hf download ${id} --local-dir ${id.replace(/^.*\//, '')}), and pass the folder's path`;
}

function adviceForName(weights: string, names: readonly string[]): string {
  const sentences = ['There is no such file.'];
  if (names.length > 0) {
    sentences.push(`The names that can be used instead of a path are ${names.join(', ')}.`);
    const published = names.filter((name) => !name.startsWith('random'));
    const meant = published.find((name) => weights.toUpperCase().endsWith(name.toUpperCase()));
    const layers = SUPPORTED_LAYERS.find((depth) => new RegExp(`resnet[-_]?${depth}(?!\\d)`, 'i').test(weights));
    if (meant !== undefined || layers !== undefined) {
      const depth = layers === undefined ? '' : ` with layers ${layers} (--layers ${layers})`;
      sentences.push(`For torchvision's weights: ${meant ?? 'DEFAULT'}${depth}.`);
    }
  }
  if (/^resnet\d+[a-z]*\.[\w.]+$/i.test(weights) && !/weights/i.test(weights)) {
    sentences.push(`For timm's, which are on the Hugging Face Hub: ${downloadFromHub(`timm/${weights}`)}.`);
  }
  return sentences.join(' ');
}
