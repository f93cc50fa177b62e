import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ResNetError } from '../lib/errors';
import { writeAtomically } from '../lib/atomic-write';
import { temporaryFolder } from './support/files';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

test('parts that arrive one by one', async () => {
  async function* parts(): AsyncGenerator<string | Uint8Array> {
    yield 'one, ';
    await Promise.resolve();
    expect(readdirSync(folder)).not.toContain('parts');
    yield Buffer.from('two');
  }
  await writeAtomically(at('parts'), parts());
  expect(readFileSync(at('parts'), 'utf8')).toBe('one, two');
});

test.each<[string, Error, object]>([
  ['an error of ours', new ResNetError('ERR_OUT_OF_MEMORY', 'No room.'), { code: 'ERR_OUT_OF_MEMORY' }],
  [
    'another',
    new Error('ENOSPC'),
    { code: 'ERR_FILE', message: expect.stringMatching(/^Cannot write .*x: ENOSPC\.$/) },
  ],
])('%s among the parts: no file, and none left beside', async (_, error, expected) => {
  function* parts(): Generator<string> {
    yield 'one';
    throw error;
  }
  await expect(writeAtomically(at('x'), parts())).rejects.toMatchObject(expected);
  expect(readdirSync(folder)).toEqual(['parts']);
});
