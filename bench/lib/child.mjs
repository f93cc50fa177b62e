// node lib/child.mjs CANDIDATE TASK: measures one candidate, prints JSON, ends.
import { measure } from './measure.mjs';

const [candidate, json] = process.argv.slice(2);
const { open } = await import(`../candidates/${candidate}.mjs`);
const result = await measure(open, JSON.parse(json));
process.stdout.write(`\n${JSON.stringify(result)}\n`, () => process.exit(0));
