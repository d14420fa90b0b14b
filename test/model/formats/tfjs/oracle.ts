/** TensorFlow.js itself, for comparison. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { numbers, type Tensor, tensorOf } from '../../../../src/model/ir/tensor.ts';

export { tf };

await tf.setBackend('cpu');

setWasmPaths(
  `${fileURLToPath(new URL('../../../../node_modules/@tensorflow/tfjs-backend-wasm/dist/', import.meta.url))}`,
);

export const toTf = (t: Tensor): tf.Tensor =>
  tf.tensor(
    numbers(t),
    [...t.dims],
    t.dtype === 'float32' ? 'float32' : t.dtype === 'bool' ? 'bool' : 'int32',
  );

export async function fromTf(t: tf.Tensor): Promise<Tensor> {
  const dtype = t.dtype === 'float32' || t.dtype === 'bool' ? t.dtype : 'int32';
  return tensorOf(dtype, t.shape, Array.from(await t.data()));
}

/** What a graph-model computes in TensorFlow.js itself: its outputs by public name. */
export async function runGraphModel(
  artifacts: tf.io.ModelArtifacts,
  inputs: Readonly<Record<string, Tensor>>,
  outputs: readonly string[],
  backend: 'cpu' | 'wasm' = 'cpu',
): Promise<Tensor[]> {
  await tf.setBackend(backend);
  const model = await loadGraphModel(tf.io.fromMemory(artifacts));
  const feeds = Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, toTf(t)]));
  const found = await model.executeAsync(feeds, [...outputs]);
  const results = await Promise.all((Array.isArray(found) ? found : [found]).map(fromTf));
  model.dispose();
  return results;
}

/** A folder as TensorFlow.js's loaders take it from memory. */
export function artifactsOf(path: string) {
  const json = JSON.parse(readFileSync(path, 'utf8'));
  const { modelTopology, weightsManifest, signature, userDefinedMetadata } = json;
  const groups = weightsManifest as { paths: string[]; weights: never[] }[];
  const shards = groups
    .flatMap((group) => group.paths)
    .map((name) => readFileSync(join(dirname(path), name)));
  return {
    modelTopology: { versions: {}, ...modelTopology },
    weightSpecs: groups.flatMap((group) => group.weights),
    weightData: new Uint8Array(Buffer.concat(shards)).buffer,
    signature,
    userDefinedMetadata,
  };
}
