/** compress convert <model> <output> */
import { convertRequest } from '../jobs/requests/convert.ts';
import { defineCommand } from './command.ts';
import { json } from './printing-fields.ts';

export const command = defineCommand({
  configured: 'convert',
  request: convertRequest.extend({ json }),
  async run([model = '', output = ''], { json, ...request }) {
    const { convert } = await import('../jobs/convert.ts');
    const result = await convert(model, { output, ...request });
    if (json) (await import('./print-json.ts')).printJson(result);
    else await show(result);
  },
});

async function show({ from, to, sourceBytes, files }: import('../jobs/convert.ts').Conversion) {
  const { formatBytes } = await import('../support/units.ts');
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  console.log(`  ${from} → ${to}   ${formatBytes(sourceBytes)} → ${formatBytes(total)}`);
  for (const file of files) console.log(`  → ${file.path}   ${formatBytes(file.bytes)}`);
}
