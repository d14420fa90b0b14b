/** compress ort <model> -o <file> */
import { convertFile } from '../jobs/ort.ts';
import { formatBytes } from '../support/units.ts';
import { printJson } from './print-json.ts';

export interface OrtFlags {
  readonly output?: string;
  readonly x86?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

export async function run(model: string, flags: OrtFlags): Promise<void> {
  const output = flags.output ?? model.replace(/(\.onnx)?$/i, '.ort');
  const target = flags.x86 ? 'any' : 'arm';
  const result = await convertFile({ input: model, output, target, force: flags.force });
  if (flags.json) {
    printJson(result);
    return;
  }
  const [file, list] = result.files;
  console.log(`  → ${file!.path}   ${formatBytes(result.sourceBytes)} → ${formatBytes(file!.bytes)}`);
  console.log(`  → ${list!.path}   for --include_ops_by_config of onnxruntime's build`);
}
