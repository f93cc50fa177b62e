import { rateFactor, resolveSchedule, type ScheduleOptions } from '../../lib/train/schedules';
import { cases, losses, stepsPerEpoch, totalSteps } from './schedules.json';

test.each(cases.map(({ schedule, rates }) => [JSON.stringify(schedule), schedule, rates] as const))(
  "%s: PyTorch's rates",
  (_, schedule, rates) => {
    const resolved = resolveSchedule(schedule as ScheduleOptions);
    rates.forEach((rate, step) => {
      const past = losses.slice(0, Math.floor(step / stepsPerEpoch));
      const progress = { step, stepsPerEpoch, totalSteps, losses: past };
      expect(rateFactor(resolved, progress)).toBeCloseTo(rate, 9);
    });
  },
);

test.each<[string, unknown, RegExp]>([
  ['an unknown name', { name: 'linear' }, /^schedule\.name must be/],
  ['an option of another schedule', { name: 'cosine', gamma: 0.1 }, /^schedule must have no names but/],
  ['a rate that is not a number', { name: 'step', gamma: NaN }, /^schedule\.gamma must be a number/],
  ['a warm-up without its length', { name: 'cosine', warmup: {} }, /^schedule\.warmup\.epochs must be/],
])('refuses %s', (_, schedule, message) => {
  expect(() => resolveSchedule(schedule as ScheduleOptions)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringMatching(message) as unknown }),
  );
});
