/** Calibration: the model with observers appended runs over the samples, and only scalars come out.
 *  First pass: ReduceMin and ReduceMax, and ReduceSum because those two may step over a NaN. Second pass, where asked
 *  for: the squared error of fake-quantising at K candidate ranges, on a subset. Nothing is stored per sample, so
 *  memory does not grow with their number. */
import type { Engine, Session } from '../engine/contract.ts';
import { encodeModel } from '../formats/onnx/write.ts';
import { cloneModel } from '../ir/clone.ts';
import { addInitializer, addNode, setOutputs } from '../ir/edit.ts';
import type { Graph, Model, Value } from '../ir/model.ts';
import { float32Values, scalar, tensorOf } from '../ir/tensor.ts';
import { tensorType } from '../ir/type.ts';
import { quantParams } from '../quant/params.ts';
import { createBreather } from '../support/breathe.ts';
import { calibrationNotFinite, internalDiagnostic } from '../support/diagnostics.ts';
import type { Sample } from './source.ts';
import type { Range, StatisticRequest, Statistics } from './statistics.ts';

export interface ObserveOptions {
  /** Samples of the second pass (MSE ranges); it costs about eight times as much a sample. Default 16. */
  readonly mseSamples?: number;
  readonly signal?: AbortSignal;
  /** Called after every sample run: done and total count both passes. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Answers `requests` about `model` from the samples that `read` gives.
 *  @param count number of samples; @param read returns sample i, 0 ≤ i < count
 *  @throws CALIBRATION_NOT_FINITE when an observed value is NaN or infinite for some sample */
export async function observe(
  engine: Engine,
  model: Model,
  requests: readonly StatisticRequest[],
  samples: { readonly count: number; read(index: number): Promise<Sample> },
  options: ObserveOptions = {},
): Promise<Statistics> {
  const names = [...new Set(requests.map((r) => r.value))];
  const searches = requests.filter((r) => r.kind === 'mse-range');
  const mseCount = searches.length > 0 ? Math.min(samples.count, options.mseSamples ?? 16) : 0;
  const total = samples.count + mseCount;
  const ranges = await minMax(
    engine,
    model,
    names,
    samples,
    (i) => options.onProgress?.(i, total),
    options.signal,
  );
  if (mseCount > 0) {
    const stride = samples.count / mseCount;
    const subset = { count: mseCount, read: (i: number) => samples.read(Math.floor(i * stride)) };
    const progress = (i: number) => options.onProgress?.(samples.count + i, total);
    const best = await searchRanges(engine, model, searches, ranges, subset, progress, options.signal);
    for (const [name, range] of best) ranges.set(name, range);
  }
  return { range: (value) => ranges.get(value), samples: samples.count };
}

type Samples = { readonly count: number; read(index: number): Promise<Sample> };

async function minMax(
  engine: Engine,
  model: Model,
  names: readonly string[],
  samples: Samples,
  progress: (done: number) => void,
  signal: AbortSignal | undefined,
): Promise<Map<string, Range>> {
  const low = new Float64Array(names.length).fill(Number.POSITIVE_INFINITY);
  const high = new Float64Array(names.length).fill(Number.NEGATIVE_INFINITY);
  const observed = observerModel(model, (graph) =>
    names.flatMap((name) => {
      const v = valueNamed(graph, name);
      return ['ReduceMin', 'ReduceMax', 'ReduceSum'].map((op) => reduce(graph, op, v));
    }),
  );
  await runAll(engine, observed, samples, signal, (scalars, sample, i) => {
    names.forEach((name, k) => {
      const [a, b, sum] = [scalars[3 * k]!, scalars[3 * k + 1]!, scalars[3 * k + 2]!];
      if (!Number.isFinite(a) || !Number.isFinite(b) || Number.isNaN(sum))
        throw calibrationNotFinite(name, sample.id);
      low[k] = Math.min(low[k]!, a);
      high[k] = Math.max(high[k]!, b);
    });
    progress(i + 1);
  });
  return new Map(names.map((name, k) => [name, { min: low[k]!, max: high[k]! }]));
}

type Search = Extract<StatisticRequest, { kind: 'mse-range' }>;

/** Fractions of the min-max range that are tried, from all of it down to about a third. */
export const candidateFractions = (n: number) => Array.from({ length: n }, (_, k) => 0.87 ** k);

async function searchRanges(
  engine: Engine,
  model: Model,
  searches: readonly Search[],
  ranges: ReadonlyMap<string, Range>,
  samples: Samples,
  progress: (done: number) => void,
  signal: AbortSignal | undefined,
): Promise<Map<string, Range>> {
  const tried = searches.flatMap((search) => {
    const { min, max } = ranges.get(search.value)!;
    return candidateFractions(search.candidates).map((f) => ({
      search,
      range: { min: min * f, max: max * f },
    }));
  });
  const errors = new Float64Array(tried.length);
  const observed = observerModel(model, (graph) =>
    tried.map(({ search, range }) => {
      const v = valueNamed(graph, search.value);
      return squaredError(graph, v, search, range);
    }),
  );
  await runAll(engine, observed, samples, signal, (scalars, _, i) => {
    for (let k = 0; k < errors.length; k++) errors[k]! += scalars[k]!;
    progress(i + 1);
  });
  const best = new Map<string, { range: Range; error: number }>();
  tried.forEach(({ search, range }, k) => {
    const known = best.get(search.value);
    if (!known || errors[k]! < known.error) best.set(search.value, { range, error: errors[k]! });
  });
  return new Map([...best].map(([name, { range }]) => [name, range]));
}

/** A copy of the model whose only output is the vector of the scalars that `observers` builds. */
function observerModel(model: Model, observers: (graph: Graph) => Value[]): Model {
  const copy = cloneModel(model);
  const { graph } = copy;
  const scalars = observers(graph);
  const one = addInitializer(graph, 'edgepress/one', tensorOf('int64', [1], [1]));
  const columns = scalars.map((s) => addNode(graph, { opType: 'Reshape', inputs: [s, one] }).outputs[0]!);
  const all = addNode(graph, { opType: 'Concat', inputs: columns, attributes: { axis: 0 } }).outputs[0]!;
  all.type = tensorType('float32', [scalars.length]);
  setOutputs(graph, [all]);
  return copy;
}

function valueNamed(graph: Graph, name: string): Value {
  let names = index.get(graph);
  if (!names) {
    names = new Map();
    for (const v of graph.inputs) names.set(v.name, v);
    for (const node of graph.nodes) for (const v of node.outputs) if (v) names.set(v.name, v);
    index.set(graph, names);
  }
  const v = names.get(name);
  if (!v)
    throw internalDiagnostic(
      'OBSERVED_VALUE_MISSING',
      `"${name}" was to be observed but is not in the graph.`,
    );
  return v;
}

const index = new WeakMap<Graph, Map<string, Value>>();

const reduce = (graph: Graph, opType: string, v: Value) =>
  addNode(graph, { opType, inputs: [v], attributes: { keepdims: 0 } }).outputs[0]!;

function squaredError(graph: Graph, v: Value, search: Search, range: Range): Value {
  const spec = { dtype: search.dtype as 'int8' | 'uint8', symmetric: search.symmetric };
  const params = quantParams(range.min, range.max, spec, `"${search.value}"`);
  const scale = addInitializer(graph, 'edgepress/scale', scalar('float32', params.scale));
  const zero = addInitializer(graph, 'edgepress/zero', scalar(search.dtype, params.zeroPoint));
  const q = addNode(graph, { opType: 'QuantizeLinear', inputs: [v, scale, zero] }).outputs[0]!;
  const dq = addNode(graph, { opType: 'DequantizeLinear', inputs: [q, scale, zero] }).outputs[0]!;
  const difference = addNode(graph, { opType: 'Sub', inputs: [v, dq] }).outputs[0]!;
  const error = reduce(graph, 'ReduceSumSquare', difference);
  const energy = reduce(graph, 'ReduceSumSquare', v);
  const tiny = addInitializer(graph, 'edgepress/tiny', scalar('float32', 1e-30));
  const floor = addNode(graph, { opType: 'Max', inputs: [energy, tiny] }).outputs[0]!;
  return addNode(graph, { opType: 'Div', inputs: [error, floor] }).outputs[0]!;
}

async function runAll(
  engine: Engine,
  model: Model,
  samples: Samples,
  signal: AbortSignal | undefined,
  take: (scalars: Float32Array, sample: Sample, index: number) => void,
): Promise<void> {
  const breathe = createBreather();
  let session: Session | null = null;
  try {
    session = await engine.open(
      { bytes: encodeModel(model) },
      { config: { 'session.disable_quant_qdq': '1' } },
    );
    const wanted = new Set(session.inputs.map((p) => p.name));
    let next: Promise<Sample> | null = samples.count > 0 ? samples.read(0) : null;
    for (let i = 0; i < samples.count; i++) {
      signal?.throwIfAborted();
      const sample = await next!;
      next = i + 1 < samples.count ? samples.read(i + 1) : null;
      next?.catch(() => {});
      const feeds = Object.fromEntries(Object.entries(sample.inputs).filter(([name]) => wanted.has(name)));
      const outputs = await session.run(feeds);
      take(float32Values(Object.values(outputs)[0]!), sample, i);
      await breathe();
    }
  } finally {
    await session?.close();
  }
}
