/** Models of calls, for jobs that work on files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { encodeModel } from '../model/formats/onnx/write.ts';
import { type ModelInput, openModel } from '../model/formats/open-file.ts';

/** Does the work with the path of each model; what is in memory lies in a file as long as that takes. */
export async function asFiles<T>(
  models: readonly ModelInput[],
  work: (paths: readonly string[]) => Promise<T>,
): Promise<T> {
  if (models.every((model) => typeof model === 'string')) return work(models);
  const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-'));
  try {
    return await work(models.map((model, i) => pathOf(model, path.join(folder, `model-${i + 1}.onnx`))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function pathOf(model: ModelInput, file: string): string {
  if (typeof model === 'string') return model;
  writeFileSync(file, model instanceof Uint8Array ? model : encodeModel(openModel(model).model));
  return file;
}
