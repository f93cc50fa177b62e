import { printable, printableJson, printableLines } from '../../lib/cli/printable';

const HOSTILE = 'a\x1b[31mb\x9b2J\x07\r\n\t\x7f\u202ec\u2028d';

test('what would steer a terminal is escaped', () => {
  expect(printable(HOSTILE)).toBe('a\\x1b[31mb\\x9b2J\\x07\\r\\n\\t\\x7f\\u202ec\\u2028d');
});

test('everything else stays', () => {
  const plain = 'Eisbär, 白熊 🐻‍❄️ "quoted" \\ ░█';
  expect(printable(plain)).toBe(plain);
});

test('a message keeps its own lines', () => {
  expect(printableLines('one\ntwo\x1b\n')).toBe('one\ntwo\\x1b\n');
});

test('JSON stays JSON, and means the same', () => {
  const json = printableJson(JSON.stringify({ [HOSTILE]: HOSTILE }, null, 2));
  expect(json).toMatch(/^[\x20-\x7e\n]*$/);
  expect(JSON.parse(json)).toEqual({ [HOSTILE]: HOSTILE });
});
