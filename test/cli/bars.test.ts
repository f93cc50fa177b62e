import { bar, supportsUnicode } from '../../lib/cli/bars';

test.each<[number, string, string]>([
  [0, '    ', '    '],
  [1 / 32, '▏   ', '    '],
  [0.25, '█   ', '#   '],
  [0.34, '█▍  ', '#   '],
  [0.5 + 7 / 32, '██▉ ', '### '],
  [0.999, '████', '####'],
  [1, '████', '####'],
])('%f of four places', (share, unicode, ascii) => {
  expect([bar(share, 4, true), bar(share, 4, false)]).toEqual([unicode, ascii]);
});

test.each<[NodeJS.ProcessEnv, boolean]>([
  [{ LANG: 'de_DE.UTF-8' }, true],
  [{ LANG: 'C.utf8' }, true],
  [{ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }, false],
  [{ LANG: 'C', LC_CTYPE: 'C.UTF-8', LC_ALL: '' }, true],
  [{ LANG: 'en_US.ISO-8859-1' }, false],
  [{ LANG: 'C.UTF-8', TERM: 'dumb' }, false],
  [{}, false],
])('%j', (env, expected) => {
  expect(supportsUnicode(env)).toBe(expected);
});
