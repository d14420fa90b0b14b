/** compress ort <model> -o <file> */
import { convertFile } from '../jobs/ort.ts';
import { formatBytes } from '../support/units.ts';
import { printJson } from './print-json.ts';

export interface OrtFlags {
  readonly output?: string;
  readonly processor: 'any' | 'arm';
  readonly force?: boolean;
  readonly json?: boolean;
}

export async function run(model: string, flags: OrtFlags): Promise<void> {
  const output = flags.output ?? model.replace(/(\.onnx)?$/i, '.ort');
  const result = await convertFile({ input: model, output, target: flags.processor, force: flags.force });
  if (flags.json) {
    printJson(result);
    return;
  }
  const [file, list] = result.files;
  console.log(`  → ${file!.path}   ${formatBytes(result.sourceBytes)} → ${formatBytes(file!.bytes)}`);
  console.log(`  → ${list!.path}   for --include_ops_by_config of onnxruntime's build`);
}
