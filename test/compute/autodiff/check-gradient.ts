/** Compares our gradients with numbers that don't come from our rules: central differences of the engine's own forward
 *  pass (lowered by nothing), element by element. */
import { createEmitter, type Emitter } from '../../../src/compute/autodiff/emitter.ts';
import { differentiate } from '../../../src/compute/autodiff/gradients.ts';
import { lower } from '../../../src/compute/autodiff/lower.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openKernel } from '../../../src/compute/engine/kernel.ts';
import type { DType } from '../../../src/model/ir/dtype.ts';
import { addInput, addNode, addOutput, createModel, createValue } from '../../../src/model/ir/edit.ts';
import type { Model, Value } from '../../../src/model/ir/model.ts';
import { elementCount, float32Values, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { tensorType } from '../../../src/model/ir/type.ts';
import { createRandom } from '../../../src/support/random.ts';

export interface GradientCase {
  readonly name: string;
  /** Float inputs are x0, x1 … (a list of sizes draws normal numbers; a tensor is taken as it is). */
  readonly inputs: readonly (readonly number[] | Tensor)[];
  /** The operator under test; returns what the loss weighs with random numbers and sums up. */
  build(e: Emitter, ...inputs: Value[]): Value | readonly Value[];
  /** Indices of the inputs to differentiate by; all float ones when absent. */
  readonly wrt?: readonly number[];
  /** The same in PyTorch, over x0, x1 … (`torch`, `F`, `nn` are there); a tensor or a tuple of them. */
  readonly torch?: string;
  /** Differences say nothing (something is rounded, or a point is a kink): only PyTorch is asked. */
  readonly rounds?: true;
  /** Largest error as a fraction of the largest derivative; default 2e-3: float32 forward at step 1e-2. */
  readonly tolerance?: number;
  readonly opset?: number;
  /** Mode of the lowerings, 'train' by default. With 'train' BatchNormalization differs from its forward as deployed. */
  readonly mode?: 'train' | 'infer';
}

export interface Built {
  readonly model: Model;
  readonly feeds: Record<string, Tensor>;
  readonly wrt: readonly string[];
  /** Weights of the outputs in the loss. */
  readonly weights: readonly Tensor[];
}

const normal = (dims: readonly number[], seed: number) => {
  const random = createRandom(seed);
  return tensorOf(
    'float32',
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => random.normal()),
  );
};

/** Model with inputs x0 … and the operator under test, no outputs yet. */
export function startCase(c: GradientCase) {
  const model = createModel({ opsets: new Map([['', c.opset ?? 20]]), irVersion: 9 });
  const tensors = c.inputs.map((t, i) => ('kind' in t ? t : normal(t, 100 + i)));
  const values = tensors.map((t, i) =>
    addInput(model.graph, createValue(model.names, `x${i}`, tensorType(t.dtype as DType, t.dims), true)),
  );
  const emitter = createEmitter(model);
  const built = c.build(emitter, ...values);
  const outputs = 'uses' in built ? [built] : built;
  const feeds = Object.fromEntries(tensors.map((t, i) => [`x${i}`, t]));
  return { model, emitter, tensors, values, outputs, feeds };
}

/** Model with inputs x0 …, outputs "loss" and, when `withGradients`, "d_x0" …. */
export function buildCase(c: GradientCase, withGradients: boolean): Built {
  const { model, emitter: build, tensors, values, outputs, feeds } = startCase(c);
  const { graph } = model;
  const weights = outputs.map((o, i) => normal(build.dims(o), 900 + i));
  const terms = outputs.map((o, i) =>
    build.op('ReduceSum', [build.op('Mul', [o, build.constant(weights[i] as Tensor)])], { keepdims: 0 }),
  );
  let loss = terms.length > 1 ? build.op('Sum', terms) : (terms[0] as Value);
  const indices = c.wrt ?? tensors.flatMap((t, i) => (t.dtype === 'float32' ? [i] : []));
  const gradients = new Map<Value, Value>();
  const named = (name: string, v: Value) =>
    addNode(graph, {
      opType: 'Identity',
      inputs: [v],
      outputs: [createValue(model.names, name, v.type, true)],
    }).outputs[0] as Value;
  loss = named('loss', loss);
  addOutput(graph, loss);
  if (withGradients) {
    lower(model, c.mode ?? 'train');
    const e = createEmitter(model);
    for (const [v, g] of differentiate(
      e,
      graph.outputs[0] as Value,
      indices.map((i) => values[i] as Value),
    ))
      gradients.set(v, g);
    for (const i of indices) {
      const g = gradients.get(values[i] as Value);
      if (g) addOutput(graph, named(`d_x${i}`, g));
    }
  }
  return {
    model,
    feeds,
    wrt: indices.map((i) => `x${i}`),
    weights,
  };
}

export interface Comparison {
  readonly input: string;
  /** Largest |ours − numeric| over the largest |numeric|. */
  readonly error: number;
  readonly largest: number;
}

/** Our gradients, by input name. */
export async function gradientsOf(engine: Engine, c: GradientCase): Promise<Record<string, Tensor>> {
  const { model, feeds, wrt } = buildCase(c, true);
  const session = await openKernel(engine, model);
  try {
    const used = Object.fromEntries(session.inputs.map((p) => [p.name, feeds[p.name] as Tensor]));
    const out = await session.run(used);
    return Object.fromEntries(wrt.map((name) => [name, out[`d_${name}`] as Tensor]));
  } finally {
    await session.close();
  }
}

/** Central differences with step 1e-2, at every element. */
export async function compareWithDifferences(engine: Engine, c: GradientCase): Promise<Comparison[]> {
  const ours = await gradientsOf(engine, c);
  const { model, feeds, wrt } = buildCase(c, false);
  const session = await openKernel(engine, model);
  const step = 1e-2;
  try {
    const lossAt = async (name: string, index: number, delta: number) => {
      const moved = Float32Array.from(float32Values(feeds[name] as Tensor));
      moved[index] = (moved[index] as number) + delta;
      const t = tensorOf('float32', (feeds[name] as Tensor).dims, moved);
      const out = await session.run({ ...feeds, [name]: t });
      return float32Values(out['loss'] as Tensor)[0] as number;
    };
    const results: Comparison[] = [];
    for (const name of wrt) {
      const gradient = float32Values(ours[name] as Tensor);
      let [error, largest] = [0, 0];
      for (let i = 0; i < gradient.length; i++) {
        const numeric = ((await lossAt(name, i, step)) - (await lossAt(name, i, -step))) / (2 * step);
        error = Math.max(error, Math.abs(numeric - (gradient[i] as number)));
        largest = Math.max(largest, Math.abs(numeric));
      }
      results.push({ input: name, error: error / (largest || 1), largest });
    }
    return results;
  } finally {
    await session.close();
  }
}
