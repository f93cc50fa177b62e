import { describeCuda } from '../support/cuda';
import { runScript } from '../support/node';

describeCuda('concurrent forwards on a GPU', () => {
  test('answer what each answers alone, on several inference threads', async () => {
    // In a process of its own: inference threads, once made, stay.
    const ended = await runScript(`
      const { addon } = require('./dist/native/addon');
      const { ResNet, Tensor } = require('./dist');
      const wave = (n) => Float32Array.from({ length: 2 * 3 * 48 * 48 }, (_, i) => Math.sin(i * (n + 1)));
      (async () => {
        const net = new ResNet(18, 10, { seed: 2, device: 'cuda' });
        const xs = [0, 1, 2, 3, 4, 5].map((n) => new Tensor(wave(n), [2, 3, 48, 48]));
        const alone = [];
        for (const x of xs) alone.push((await net.forward(x)).data);
        addon().ensureInferenceThreads(3);
        const together = await Promise.all(xs.map((x) => net.forward(x)));
        together.forEach(({ data }, n) => {
          const largest = Math.max(...alone[n].map(Math.abs));
          const apart = Math.max(...data.map((value, i) => Math.abs(value - alone[n][i])));
          console.log(apart <= 2e-5 * largest ? 'same' : 'apart by ' + apart + ' of ' + largest);
        });
      })();
    `);
    expect(ended).toEqual({ code: 0, signal: null, stdout: 'same\n'.repeat(6), stderr: '' });
  });
});
