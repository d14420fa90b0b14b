/** Models as files for another process, which opens them without decoding them. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import type { Engine, ModelSource } from '../../compute/engine/contract.ts';
import { formatOf } from '../../model/formats/index.ts';
import type { BytesSource, PathSource, Runnable } from '../../model/formats/opened.ts';
import { externalDataPath } from '../../support/diagnostics/model-files.ts';

/** Lends the models as files: where they lie already, else in a temporary folder until the work is done. */
export async function onDisk<T>(
  models: readonly Runnable[],
  work: (files: readonly PathSource[]) => Promise<T>,
): Promise<T> {
  const folders: string[] = [];
  try {
    const files: PathSource[] = [];
    for (const model of models) {
      const source = model.engineSource('path');
      files.push('path' in source ? source : await written(source, folders));
    }
    return await work(files);
  } finally {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  }
}

async function written(
  { bytes, externalData = new Map(), ...facts }: BytesSource,
  folders: string[],
): Promise<PathSource> {
  const folder = await mkdtemp(join(tmpdir(), 'edgepress-model-'));
  folders.push(folder);
  // An engine goes by the file's ending.
  const path = join(folder, `model${formatOf(bytes, '').extensions[0]}`);
  await writeFile(path, bytes);
  for (const [name, data] of externalData) {
    const target = join(folder, name);
    if (!target.startsWith(folder + sep))
      throw externalDataPath('The model', name, 'leads out of the folder');
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, data);
  }
  return { path, dataFiles: [...externalData.keys()], ...facts };
}

/** The native engine opens files itself and finds data beside them; wasm is given all bytes. */
export async function sourceFor(engine: Engine, file: PathSource): Promise<ModelSource> {
  if (engine.name === 'node') return file;
  const { path, dataFiles = [], ...facts } = file;
  const bytes = await readFile(path);
  if (dataFiles.length === 0) return { bytes, ...facts };
  const externalData = new Map<string, Uint8Array>();
  for (const name of dataFiles) externalData.set(name, await readFile(join(dirname(path), name)));
  return { bytes, externalData, ...facts };
}
