import { printable, printableJson, printableLines } from '../../lib/cli/printable';

const HOSTILE = 'a\x1b[31mb\x9b2J\x07\r\n\t\x7f\u202ec\u2028d';

test('terminal control characters are escaped', () => {
  expect(printable(HOSTILE)).toBe('a\\x1b[31mb\\x9b2J\\x07\\r\\n\\t\\x7f\\u202ec\\u2028d');
});

test('other characters stay', () => {
  const plain = 'Eisbär, 白熊 🐻‍❄️ "quoted" \\ ░█';
  expect(printable(plain)).toBe(plain);
});

test('a message keeps its line breaks', () => {
  expect(printableLines('one\ntwo\x1b\n')).toBe('one\ntwo\\x1b\n');
});

test('JSON stays valid and means the same', () => {
  const json = printableJson(JSON.stringify({ [HOSTILE]: HOSTILE }, null, 2));
  expect(json).toMatch(/^[\x20-\x7e\n]*$/);
  expect(JSON.parse(json)).toEqual({ [HOSTILE]: HOSTILE });
});
