import { createHash } from 'node:crypto';
import type { ResNet } from '../../lib/index';

/** Comparing tens of millions of values one by one takes jest half a minute. */
export function digest(net: ResNet): string {
  const hash = createHash('sha256');
  for (const [name, { dtype, shape, data }] of net.stateDict())
    hash.update(`${name} ${dtype} ${String(shape)} `).update(data);
  return hash.digest('hex');
}
