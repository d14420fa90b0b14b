/** Graph-models of one node or a few, run by TensorFlow.js and, read by ours, by onnxruntime. */
import { expect, it } from 'vitest';
import type { Engine } from '../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../src/compute/engine/open.ts';
import { openModelBytes } from '../../../../src/model/formats/opened.ts';
import type { Model } from '../../../../src/model/ir/model.ts';
import { numbers, type Tensor, tensorOf } from '../../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../../src/model/ir/verify.ts';
import { largestDifference, normalTensor, runModel } from '../../../run-model.ts';
import { runGraphModel } from './oracle.ts';

/** An input: what a caller gives, or a constant of the model. */
export interface Given {
  readonly tensor: Tensor;
  readonly constant: boolean;
}

/** Seeded, standard normal, given by the caller. */
export const x = (...dims: number[]): Given => ({
  tensor: normalTensor(dims, dims.length + 1),
  constant: false,
});
export const values = (dims: readonly number[], list: readonly number[]): Given => ({
  tensor: tensorOf('float32', dims, list),
  constant: false,
});
export const whole = (dims: readonly number[], list: readonly number[]): Given => ({
  tensor: tensorOf('int32', dims, list),
  constant: false,
});
export const flags = (dims: readonly number[], list: readonly number[]): Given => ({
  tensor: tensorOf('bool', dims, list),
  constant: false,
});
export const constant = ({ tensor }: Given): Given => ({ tensor, constant: true });
/** int32 list or scalar constants, which most operators take as axes and shapes. */
export const list = (...numbers: number[]): Given => constant(whole([numbers.length], numbers));
export const scalar = (value: number): Given => constant(whole([], [value]));
export const real = (value: number): Given => constant(values([], [value]));

export type Attribute = number | boolean | string | readonly number[] | readonly string[] | object;

/** In protobuf's JSON form. "DT_…" is a type, whole numbers are integers; a float is { f: 1 }. */
function encoded(value: Attribute): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? { i: String(value) } : { f: value };
  if (typeof value === 'boolean') return { b: value };
  if (typeof value === 'string') return value.startsWith('DT_') ? { type: value } : { s: btoa(value) };
  if (!Array.isArray(value)) return value;
  const texts = value.some((v) => typeof v === 'string');
  return { list: texts ? { s: value.map((v) => btoa(String(v))) } : { i: value.map(String) } };
}

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Readonly<Record<string, Attribute>>;
}

export interface TinyGraph {
  readonly given: Readonly<Record<string, Given>>;
  readonly nodes: readonly GraphNode[];
  /** "y:1" */
  readonly outputs: readonly string[];
  readonly library?: object;
  /** A graph that fills tables before the first run; its constants are among those given. */
  readonly initializer?: readonly GraphNode[];
}

const typeName = { float32: 'DT_FLOAT', int32: 'DT_INT32', bool: 'DT_BOOL' } as Record<string, string>;

const nodeJson = ({ attr = {}, ...node }: GraphNode) => ({
  ...node,
  attr: Object.fromEntries(Object.entries(attr).map(([name, value]) => [name, encoded(value)])),
});

function artifactsOf({ given, nodes, outputs, library, initializer }: TinyGraph) {
  const entries = Object.entries(given);
  const constants = entries.filter(([, g]) => g.constant);
  const inputs = entries.filter(([, g]) => !g.constant);
  const dim = (t: Tensor) => ({ dim: t.dims.map((size) => ({ size: String(size) })) });
  return {
    modelTopology: {
      versions: { producer: 1 },
      ...(library ? { library } : {}),
      node: [
        ...constants.map(([name, g]) => ({
          name,
          op: 'Const',
          attr: { dtype: { type: typeName[g.tensor.dtype] } },
        })),
        ...inputs.map(([name, g]) => ({
          name,
          op: 'Placeholder',
          attr: { dtype: { type: typeName[g.tensor.dtype] }, shape: { shape: dim(g.tensor) } },
        })),
        ...nodes.map(nodeJson),
      ],
    },
    ...(initializer ? { modelInitializer: { versions: {}, node: initializer.map(nodeJson) } } : {}),
    signature: {
      inputs: Object.fromEntries(inputs.map(([name]) => [name, { name: `${name}:0` }])),
      outputs: Object.fromEntries(outputs.map((name) => [name, { name }])),
    },
    weightSpecs: constants.map(([name, { tensor }]) => ({
      name,
      shape: [...tensor.dims],
      dtype: tensor.dtype,
    })),
    weightData: new Uint8Array(Buffer.concat(constants.map(([, g]) => g.tensor.bytes()))).buffer,
  };
}

/** As our reader takes it. */
export function readTiny(graph: TinyGraph): Model {
  const { weightSpecs, weightData, ...rest } = artifactsOf(graph);
  const json = { ...rest, weightsManifest: [{ paths: ['w'], weights: weightSpecs }] };
  const bytes = new TextEncoder().encode(JSON.stringify(json));
  const data = new Map([['w', new Uint8Array(weightData)]]);
  return openModelBytes(bytes, { name: 'model.json', data }).model;
}

let engine: Promise<Engine> | undefined;

/** Same types, shapes and, within `tolerance` of the largest, elements. */
export async function expectSame(
  graph: TinyGraph,
  tolerance = 1e-5,
  backend: 'cpu' | 'wasm' = 'cpu',
): Promise<Model> {
  const model = readTiny(graph);
  verifyModel(model);
  engine ??= openEngine('node');
  const feeds = Object.fromEntries(
    Object.entries(graph.given).flatMap(([name, g]) => (g.constant ? [] : [[name, g.tensor]])),
  );
  const artifacts = artifactsOf(graph) as unknown as Parameters<typeof runGraphModel>[0];
  const expected = await runGraphModel(artifacts, feeds, graph.outputs, backend);
  const received = await runModel(await engine, model, feeds);
  graph.outputs.forEach((name, i) => {
    const [theirs, ours] = [expected[i]!, received[name]!];
    expect({ dtype: ours.dtype, dims: ours.dims }).toEqual({ dtype: theirs.dtype, dims: theirs.dims });
    const { difference, magnitude } = largestDifference(theirs, ours);
    if (!(difference <= tolerance * Math.max(1, magnitude)))
      expect(numbers(ours), name).toEqual(numbers(theirs));
  });
  return model;
}

export interface Row {
  readonly op: string;
  /** What is special in this row. */
  readonly of?: string;
  readonly inputs: readonly Given[];
  readonly attr?: Readonly<Record<string, Attribute>>;
  /** Ports that are compared; the first, if absent. */
  readonly ports?: number;
  readonly tolerance?: number;
  /** TensorFlow.js' own; by default its reference, in plain JavaScript. */
  readonly backend?: 'cpu' | 'wasm';
}

const tinyOf = ({ op, inputs, attr = {}, ports = 1 }: Row): TinyGraph => ({
  given: Object.fromEntries(inputs.map((given, i) => [`in${i}`, given])),
  nodes: [{ name: 'y', op, input: inputs.map((_, i) => `in${i}`), attr }],
  outputs: Array.from({ length: ports }, (_, i) => `y:${i}`),
});

/** One test a row: the node alone. */
export const checkRows = (rows: readonly Row[]) =>
  it.each(rows.map((row) => ({ ...row, title: `${row.op}${row.of ? `, ${row.of}` : ''}` })))(
    '$title',
    async (row) => {
      await expectSame(tinyOf(row), row.tolerance, row.backend);
    },
  );

/** One test a row: the node has no exact form, and the error names it. */
export const checkRefused = (rows: readonly Row[]) =>
  it.each(rows.map((row) => ({ ...row, title: `${row.op}${row.of ? `, ${row.of}` : ''}` })))(
    '$title',
    (row) => {
      expect(() => readTiny(tinyOf(row))).toThrow(
        expect.objectContaining({
          code: 'TFJS_OPERATOR_FORM',
          message: expect.stringContaining(`${row.op} "y"`),
        }),
      );
    },
  );
