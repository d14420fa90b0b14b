/** What TensorFlow.js itself makes of a folder that was written: its loader, its wasm backend. */
import { createRequire } from 'node:module';
import * as wasm from '@tensorflow/tfjs-backend-wasm';
import * as converter from '@tensorflow/tfjs-converter';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import type { WrittenFile } from '../../../../../src/model/formats/format.ts';
import { openModelBytes } from '../../../../../src/model/formats/opened.ts';
import { writeGraphModel } from '../../../../../src/model/formats/tfjs/write/write.ts';
import { type DType, isFloat } from '../../../../../src/model/ir/dtype.ts';
import { dtypeOf, type Model } from '../../../../../src/model/ir/model.ts';
import { float32Values, numbers, type Tensor, tensorOf } from '../../../../../src/model/ir/tensor.ts';

const require = createRequire(import.meta.url);

export type Backend = 'wasm' | 'cpu';

/** Opens the files that lie beside the package. */
export async function useBackend(name: Backend): Promise<void> {
  if (name === 'wasm') {
    const folder = require
      .resolve('@tensorflow/tfjs-backend-wasm/package.json')
      .replace('package.json', 'dist/');
    wasm.setWasmPaths(folder);
  }
  await tf.setBackend(name);
  await tf.ready();
}

export const contentOf = (file: WrittenFile): Uint8Array => Buffer.concat([...file.pieces()]);

/** Loads the files as tf.loadGraphModel does from a server. */
export async function loadWritten(files: readonly WrittenFile[]): Promise<converter.GraphModel> {
  const [json, ...shards] = files.map(contentOf);
  const { modelTopology, weightsManifest, ...rest } = JSON.parse(Buffer.from(json!).toString());
  const weightData = Uint8Array.from(Buffer.concat(shards)).buffer;
  const weightSpecs = weightsManifest.flatMap((group: { weights: unknown[] }) => group.weights);
  const handler = tf.io.fromMemory({ modelTopology, weightSpecs, weightData, ...rest });
  return converter.loadGraphModel(handler);
}

/** The model that the files are read as. */
export function readWritten(files: readonly WrittenFile[]): Model {
  const [json, ...shards] = files;
  const data = new Map(shards.map((shard) => [shard.name, contentOf(shard)]));
  return openModelBytes(contentOf(json!), { name: json!.name, data }).model;
}

/** As a model takes them that has TensorFlow.js's types in place of the original's. */
export const feedsFor = (model: Model, feeds: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(model.graph.inputs.map((v) => [v.name, inType(feeds[v.name]!, dtypeOf(v)!)]));

export const inType = (t: Tensor, dtype: DType): Tensor =>
  t.dtype === dtype ? t : tensorOf(dtype, t.dims, numbers(t));

export function toTf(t: Tensor): tf.Tensor {
  if (t.dtype === 'bool') return tf.tensor(numbers(t), [...t.dims], 'bool');
  if (isFloat(t.dtype)) return tf.tensor(float32Values(t), [...t.dims], 'float32');
  return tf.tensor(numbers(t), [...t.dims], 'int32');
}

/** Runs what is written of a model; outputs have the model's own types.
 *  @param files  by default what is written of it now */
export async function runWritten(
  model: Model,
  feeds: Readonly<Record<string, Tensor>>,
  files: readonly WrittenFile[] = writeGraphModel(model),
): Promise<Record<string, Tensor>> {
  const graph = await loadWritten(files);
  const inputs = Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, toTf(t)]));
  const names = Object.keys(
    (JSON.parse(Buffer.from(contentOf(files[0]!)).toString()) as Written).signature.outputs,
  );
  const made = await graph.executeAsync(inputs);
  const list = Array.isArray(made) ? made : [made];
  const entries = names.map(async (name, i) => {
    const value = model.graph.outputs.find((v) => v.name === name)!;
    const data = await list[i]!.data();
    return [name, tensorOf(dtypeOf(value) ?? 'float32', list[i]!.shape, data)] as const;
  });
  const results = Object.fromEntries(await Promise.all(entries));
  graph.dispose();
  tf.dispose([...Object.values(inputs), ...list]);
  return results;
}

interface Written {
  readonly signature: { readonly outputs: Readonly<Record<string, unknown>> };
}
