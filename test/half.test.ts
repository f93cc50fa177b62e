import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../lib/half';

const every = Uint16Array.from({ length: 65_536 }, (_, i) => i);

test.each([
  ['float16', fromFloat16, toFloat16],
  ['bfloat16', fromBfloat16, toBfloat16],
] as const)('%s: every value goes to float32 and back unchanged, and NaN stays NaN', (_name, from, to) => {
  const values = from(every);
  const back = to(values);
  expect(every.filter((bits, i) => !Number.isNaN(values[i]) && back[i] !== bits)).toHaveLength(0);
  expect(from(back).filter((value, i) => Number.isNaN(value) !== Number.isNaN(values[i]))).toHaveLength(0);
});

test.each([
  ['float16', fromFloat16, toFloat16, 0x7bff],
  ['bfloat16', fromBfloat16, toBfloat16, 0x7f7f],
] as const)('%s: what lies between two goes to the nearer, the middle to the even one', (_name, from, to, largest) => {
  const values = from(every);
  const wrong: number[] = [];
  for (let bits = 0; bits < largest; bits++) {
    const [below, above] = [values[bits]!, values[bits + 1]!];
    const middle = (below + above) / 2;
    const near = (above - below) / 1024;
    const [down, even, up] = to(Float32Array.of(middle - near, middle, middle + near));
    // Between the smallest bfloat16 values there are no float32 values.
    if (Math.fround(middle - near) === middle) continue;
    if (down !== bits || up !== bits + 1 || even !== bits + (bits % 2)) wrong.push(bits);
  }
  expect(wrong.map((bits) => bits.toString(16)).slice(0, 5)).toEqual([]);
});

test('beyond the largest', () => {
  expect([...toFloat16(Float32Array.of(65_504, 65_519, 65_520, 1e30, -1e30, -0))]).toEqual([
    0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00, 0x8000,
  ]);
  expect([...toBfloat16(Float32Array.of(3.4e38, Infinity, -Infinity))]).toEqual([0x7f80, 0x7f80, 0xff80]);
});
