/** A model file as an engine takes it. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EngineName, ModelSource } from '../../compute/engine/contract.ts';
import { externalFiles } from '../../model/formats/onnx/external-file.ts';
import { decodeModel } from '../../model/formats/onnx/read.ts';
import { initializersOf } from '../../model/ir/walk.ts';

/** The native engine opens files itself and finds external data beside them; wasm is given all bytes.
 *  @throws for wasm what reading a model throws, EXTERNAL_DATA_… among it */
export async function modelSource(path: string, engine: EngineName): Promise<ModelSource> {
  if (engine === 'node') return { path };
  const bytes = await readFile(path);
  // onnxruntime's own format holds all of its data.
  if (path.endsWith('.ort')) return { bytes };
  const folder = dirname(path);
  const model = decodeModel(bytes, { name: path, ...externalFiles(folder) });
  const locations = new Set<string>();
  for (const { value } of initializersOf(model)) {
    const location = value.constant?.external?.location;
    if (location !== undefined) locations.add(location);
  }
  if (locations.size === 0) return { bytes };
  const externalData = new Map<string, Uint8Array>();
  for (const location of locations) externalData.set(location, await readFile(join(folder, location)));
  return { bytes, externalData };
}
