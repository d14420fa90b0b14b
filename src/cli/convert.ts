/** compress convert <model> <output> */
import { convertRequest } from '../jobs/requests/convert.ts';
import { defineCommand } from './command.ts';
import { json } from './printing-fields.ts';

export const command = defineCommand({
  configured: 'convert',
  request: convertRequest.extend({ json }),
  async run([model = '', output = ''], { json, ...request }) {
    const { convertModel } = await import('../jobs/convert.ts');
    const { runJob } = await import('./run-job.ts');
    const result = await runJob(false, (run) => convertModel(model, { output, ...request }, run));
    if (json) (await import('./print-json.ts')).printJson(result);
    else await show(result);
  },
});

async function show({
  from,
  to,
  sourceBytes,
  expanded,
  remarks,
  stripped,
  files,
}: import('../jobs/convert.ts').Conversion) {
  const { formatBytes } = await import('../support/units.ts');
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  console.log(`  ${from} → ${to}   ${formatBytes(sourceBytes)} → ${formatBytes(total)}`);
  for (const file of files) console.log(`  → ${file.path}   ${formatBytes(file.bytes)}`);
  for (const remark of remarks) console.log(`  ${remark}`);
  if (stripped) {
    const { strippedText } = await import('../judge/report/stripped-text.ts');
    console.log(`  taken out: ${strippedText(stripped)}`);
  }
  const [narrowest] = [...expanded].sort((a, b) => bitsOf(a) - bitsOf(b));
  if (narrowest && total > sourceBytes)
    console.log(
      `  Its weights came in ${bitsOf(narrowest)} bits and are float32 here; ` +
        `compress ${files[0]!.path} ${bitsOf(narrowest) === 8 ? '--int8' : '--fp16'} makes them small again.`,
    );
}

const bitsOf = (dtype: string) => Number(/\d+$/.exec(dtype)![0]);
