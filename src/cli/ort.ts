/** compress ort <model> */
import { ortRequest } from '../jobs/requests/ort.ts';
import { defineCommand } from './command.ts';
import { json } from './printing-fields.ts';

export const command = defineCommand({
  configured: 'ort',
  request: ortRequest.extend({ json }),
  async run([model = ''], { output, x86, json, ...choice }) {
    const { convertFile } = await import('../jobs/ort.ts');
    const { runJob } = await import('./run-job.ts');
    const target = x86 ? 'any' : 'arm';
    const { inFolderOf, nameOf, placeOf } = await import('../jobs/output-path.ts');
    const path = placeOf(`${nameOf(model)}.ort`, output);
    const result = await runJob(false, (run) =>
      inFolderOf(output, () => convertFile(model, path, target, choice, run)),
    );
    if (json) (await import('./print-json.ts')).printJson(result);
    else await show(result);
  },
});

async function show({
  files,
  sourceBytes,
}: Awaited<ReturnType<typeof import('../jobs/ort.ts').convertFile>>) {
  const { formatBytes } = await import('../support/units.ts');
  const [file, list] = files;
  console.log(`  → ${file!.path}   ${formatBytes(sourceBytes)} → ${formatBytes(file!.bytes)}`);
  console.log(`  → ${list!.path}   for --include_ops_by_config of onnxruntime's build`);
}
