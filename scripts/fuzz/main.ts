/** npm run fuzz -- --minutes 5 [--seed n] [--only onnx,tflite] */
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';
import { targets } from './targets.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    only: { type: 'string' },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const only = values.only?.split(',');
const unknown = only?.find((name) => !Object.hasOwn(targets, name));
if (unknown !== undefined) {
  console.error(`No target "${unknown}". There are: ${Object.keys(targets).join(', ')}.`);
  process.exit(2);
}
console.log(`seed ${seed}, ${values.minutes} minutes`);
const { cases, findings } = await fuzz({
  ...{ minutes: Number(values.minutes), seed },
  ...(only ? { only } : {}),
  onFinding: ({ target, file, what }) => console.log(`\n${target}: ${what}\n  kept as ${file}`),
});
for (const [name, count] of Object.entries(cases)) console.log(`${String(count).padStart(8)}  ${name}`);
console.log(findings.length === 0 ? 'No finding.' : `${findings.length} findings.`);
process.exitCode = findings.length === 0 ? 0 : 1;
