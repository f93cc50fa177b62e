import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Not counted: until then the queue fills. */
const WARM_SECONDS = 2;

/**
 * An open load: requests begin at random times (a Poisson process of that rate), whether or not those before them have
 * their answers. (autocannon's `overallRate` sends all of a second's requests at its beginning.)
 *
 * @returns times from sending to the end of the answer, in milliseconds by status
 */
export async function openLoad({ url, bodies, connections, rate, seconds }) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const times = new Map();
  let failures = 0;
  const started = process.cpuUsage();

  const send = (body, counted) =>
    new Promise((done) => {
      const begun = performance.now();
      const failed = () => {
        failures++;
        done();
      };
      const headers = { 'content-type': 'image/jpeg', 'content-length': body.length };
      const sent = request(new URL('/classify', url), { method: 'POST', agent, headers }, (answer) => {
        const ended = () => {
          const { statusCode } = answer;
          if (!times.has(statusCode)) times.set(statusCode, []);
          if (counted) times.get(statusCode).push(performance.now() - begun);
          done();
        };
        answer.on('error', failed).on('end', ended).resume();
      });
      sent.on('error', failed).end(body);
    });

  const answers = [];
  const start = performance.now();
  const counted = start + WARM_SECONDS * 1000;
  const end = counted + seconds * 1000;
  for (let at = start; at < end; at += (-Math.log(1 - Math.random()) * 1000) / rate) {
    const pause = at - performance.now();
    if (pause > 0) await sleep(pause);
    answers.push(send(bodies[answers.length % bodies.length], at >= counted));
  }
  await Promise.all(answers);
  agent.destroy();
  return { times, failures, seconds, cpu: process.cpuUsage(started) };
}
