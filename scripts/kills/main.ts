/** npm run kills -- --times 100 [--seed n] [--only distill,finetune,bundle] [--brief] */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { jobsOf } from './jobs.ts';
import { kills } from './kills.ts';

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '10' },
    seed: { type: 'string' },
    only: { type: 'string' },
    brief: { type: 'boolean', default: false },
  },
});
const program = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
if (!existsSync(program)) {
  console.error('There is no build: npm run build makes it.');
  process.exit(2);
}
const all = jobsOf(values.brief);
const names = values.only?.split(',') ?? Object.keys(all);
const unknown = names.find((name) => !Object.hasOwn(all, name));
if (unknown !== undefined) {
  console.error(`No job "${unknown}". There are: ${Object.keys(all).join(', ')}.`);
  process.exit(2);
}
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
console.log(`seed ${seed}, ${values.times} kills`);
const tallies = await kills({
  ...{ program, seed, times: Number(values.times) },
  jobs: Object.fromEntries(names.map((name) => [name, all[name]!])),
  onSeries: console.log,
});
console.table(
  tallies.map(({ findings, seconds, ...row }) => ({
    ...row,
    'seconds of a whole run': Number(seconds.toFixed(1)),
    findings: findings.length,
  })),
);
for (const { findings } of tallies) for (const what of findings) console.log(what);
process.exitCode = tallies.every(({ findings }) => findings.length === 0) ? 0 : 1;
