/** Networks of TensorFlow.js's own layers, with seeded weights, and what both make of the same input. */
import * as tfl from '@tensorflow/tfjs-layers';
import type { Engine } from '../../../../../src/compute/engine/contract.ts';
import { readLayersModel } from '../../../../../src/model/formats/tfjs/layers/read.ts';
import type { Model } from '../../../../../src/model/ir/model.ts';
import { denseTensor, elementCount, type Tensor, tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../../../src/model/ir/verify.ts';
import { createRandom } from '../../../../../src/support/random.ts';
import { largestDifference, normalTensor, runModel } from '../../../../run-model.ts';
import { fromTf, tf, toTf } from '../oracle.ts';

export { tf, tfl };

export interface Saved {
  readonly topology: Readonly<Record<string, unknown>>;
  readonly weights: Map<string, Tensor>;
}

/** What tests that change a topology know of it. */
export interface SavedNetwork {
  readonly class_name: string;
  readonly config: {
    readonly layers: readonly SavedLayer[];
    readonly input_layers: readonly unknown[];
    readonly output_layers: readonly unknown[];
  };
}

export interface SavedLayer {
  readonly class_name: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inbound_nodes: readonly (readonly (readonly unknown[])[])[];
}

export const networkOf = ({ topology }: Saved) => topology as unknown as SavedNetwork;

/** Standard normal weights; variances are positive, so that none is near 0. */
export function randomise(model: tfl.LayersModel): void {
  const random = createRandom(7);
  for (const layer of model.layers) {
    const names = layer.weights.map((w) => w.name);
    layer.setWeights(
      layer.getWeights().map((w, i) => {
        const values = Float32Array.from({ length: elementCount(w.shape) }, () => random.normal() / 2);
        const positive = /variance/.test(names[i]!) ? values.map((v) => 0.5 + Math.abs(v)) : values;
        return tf.tensor(positive, w.shape);
      }),
    );
  }
}

/** What `model.save` writes, before it becomes files. */
export async function save(model: tfl.LayersModel): Promise<Saved> {
  let saved: Saved | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      const bytes = new Uint8Array(artifacts.weightData as ArrayBuffer);
      let at = 0;
      const weights = artifacts.weightSpecs!.map(({ name, shape }): [string, Tensor] => {
        const size = 4 * elementCount(shape);
        at += size;
        return [name, denseTensor('float32', shape, bytes.slice(at - size, at))];
      });
      saved = {
        topology: JSON.parse(JSON.stringify(artifacts.modelTopology)),
        weights: new Map(weights),
      };
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  return saved!;
}

export const readSaved = ({ topology, weights }: Saved): Model =>
  readLayersModel({ topology, weights, file: 'model.json' });

/** Standard normal, the same as every time; whole numbers below `integers` instead where that is given. */
export function inputsOf(model: tfl.LayersModel, batch: number, integers?: number): Tensor[] {
  return model.inputs.map((input, i) => {
    // A size that the model leaves open.
    const dims = input.shape.map((d, axis) => d ?? (axis === 0 ? batch : 6));
    if (integers === undefined) return normalTensor(dims, 20 + i);
    const random = createRandom(20 + i);
    const values = Array.from({ length: elementCount(dims) }, () => random.integer(integers));
    return tensorOf(input.dtype === 'int32' ? 'int32' : 'float32', dims, values);
  });
}

export async function runBoth(
  engine: Engine,
  network: tfl.LayersModel,
  model: Model,
  inputs: readonly Tensor[],
): Promise<{ expected: Tensor[]; received: Tensor[] }> {
  verifyModel(model);
  const predicted = network.predict(inputs.map(toTf), { batchSize: 1024 });
  const expected = await Promise.all([predicted].flat().map(fromTf));
  const feeds = Object.fromEntries(model.graph.inputs.map((v, i) => [v.name, inputs[i]!]));
  const outputs = await runModel(engine, model, feeds);
  return { expected, received: model.graph.outputs.map((v) => outputs[v.name]!) };
}

/** Largest difference, in parts of the largest magnitude where that is above 1. */
export function relativeDifference(expected: readonly Tensor[], received: readonly Tensor[]): number {
  const parts = expected.map((e, i) => {
    const { difference, magnitude } = largestDifference(e, received[i]!);
    return difference / Math.max(1, magnitude);
  });
  return Math.max(...parts);
}
