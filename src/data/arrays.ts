/** Arrays as samples: which axis counts the samples, whether shapes and types fit the model's inputs. Pure;
 *  open.ts reads files. */

import { byteLength } from '../model/ir/dtype.ts';
import type { Port } from '../model/ir/port.ts';
import { denseTensor, elementCount, type Tensor } from '../model/ir/tensor.ts';
import { type Dim, formatShape, type Shape } from '../model/ir/type.ts';
import { calibrationShape, dataInputsMissing } from '../support/diagnostics/data.ts';
import { convertTensor } from './convert.ts';
import { formatInput } from './picture-input.ts';

export interface BoundArrays {
  /** Number of samples. */
  readonly length: number;
  /** Inputs of one sample, in the model's types. */
  inputs(index: number): Record<string, Tensor>;
  /** Conversions and other things assumed. */
  readonly notes: readonly string[];
  /** An array named labels, label, targets, target or y that is no input; null without one. */
  readonly labels: Tensor | null;
}

const labelNames = ['labels', 'label', 'y', 'targets', 'target'];

/** Matches named arrays to inputs. Samples are counted along the input's batch axis (the first, or the one
 *  that carries the batch's symbol, as states [layers, batch, hidden] have it), or along an added first
 *  axis. An array with one entry serves every sample.
 *  @param where  the file, for messages
 *  @throws DATA_INPUTS_MISSING, CALIBRATION_SHAPE */
export function bindArrays(
  arrays: ReadonlyMap<string, Tensor>,
  ports: readonly Port[],
  where: string,
): BoundArrays {
  const inputNames = new Set(ports.map((p) => p.name));
  const labelName = labelNames.find((name) => arrays.has(name) && !inputNames.has(name));
  const labels = labelName ? arrays.get(labelName)! : null;
  const notes: string[] = [];
  const found = pair(arrays, ports, labelName, where, notes);
  const batch = ports.map((p) => p.shape?.[0]).find((d) => typeof d === 'string');
  const bound = ports.map((port) => bind(port, found.get(port.name)!, batch, where));
  const counted = bound.filter((b) => b.count !== 1);
  const length = counted[0]?.count ?? 1;
  const odd = counted.find((b) => b.count !== length);
  if (odd)
    throw calibrationShape(
      where,
      `${length} samples for "${counted[0]!.port.name}" and ${odd.count} for "${odd.port.name}"`,
      odd.port.name,
      formatInput(odd.port),
      'Give every array the same number of samples, or one entry that serves all.',
    );
  const converted = bound.map((b) => {
    const { tensor, note } = convertTensor(b.tensor, b.port, where);
    if (note) notes.push(note);
    return { ...b, tensor };
  });
  return {
    length,
    notes,
    labels,
    inputs: (index) =>
      Object.fromEntries(converted.map((b) => [b.port.name, sampleOf(b, b.count === 1 ? 0 : index)])),
  };
}

/** The array for each input: by name, or the only array for the only input. */
function pair(
  arrays: ReadonlyMap<string, Tensor>,
  ports: readonly Port[],
  labelName: string | undefined,
  where: string,
  notes: string[],
): Map<string, Tensor> {
  const others = [...arrays].filter(([name]) => name !== labelName);
  const only = ports[0];
  if (ports.length === 1 && only && others.length === 1 && !arrays.has(only.name)) {
    const [name, tensor] = others[0]!;
    if (name !== '') notes.push(`array "${name}" taken for input "${only.name}", the only one`);
    return new Map([[only.name, tensor]]);
  }
  const missing = ports.filter((p) => !arrays.has(p.name));
  if (missing.length > 0)
    throw dataInputsMissing(
      where,
      missing.map((p) => `"${p.name}" ${formatInput(p)}`),
      others.map(([name]) => (name === '' ? 'one array without a name' : `"${name}"`)),
      missingHint(
        ports,
        missing,
        others.map(([name]) => name),
      ),
    );
  const unused = others.filter(([name]) => !ports.some((p) => p.name === name)).map(([name]) => name);
  if (unused.length > 0) notes.push(`arrays not used, because no input has the name: ${unused.join(', ')}`);
  return new Map(ports.map((p) => [p.name, arrays.get(p.name)!]));
}

/** A numpy line that writes what is needed; floats that are missing beside other arrays are states, which
 *  start at zero. */
function missingHint(ports: readonly Port[], missing: readonly Port[], present: readonly string[]): string {
  const zeros = (p: Port) =>
    `np.zeros((${(p.shape ?? []).map((d) => (typeof d === 'number' ? d : 1)).join(', ')}), '${p.dtype}')`;
  const isState = (p: Port) => p.dtype.startsWith('float') && ports.length > 1 && (p.shape?.length ?? 0) >= 2;
  const named = present.some((name) => name !== '');
  const wanted = (named ? missing : ports).slice(0, 4);
  const entries = wanted.map((p) => `${p.name}=${isState(p) ? zeros(p) : 'array'}`);
  const more = ports.length > 4 ? ['...'] : [];
  const line = `np.savez('data.npz', ${[...(named ? ['...'] : []), ...entries, ...more].join(', ')})`;
  return `Write a .npz file with one array for each input, named after it: ${line}.`;
}

interface Binding {
  readonly port: Port;
  readonly tensor: Tensor;
  /** null: the whole array is one sample. */
  readonly axis: number | null;
  /** The axis is not one of the input's own. */
  readonly stacked: boolean;
  readonly count: number;
}

function bind(port: Port, tensor: Tensor, batch: Dim | undefined, where: string): Binding {
  const { shape } = port;
  const { dims } = tensor;
  if (!shape) return { port, tensor, axis: 0, stacked: false, count: dims[0] ?? 1 };
  const axis = batchAxis(shape, batch);
  const own = axis === null ? shape : shape.map((d, i) => (i === axis ? null : d));
  if (fits(dims, own)) return { port, tensor, axis, stacked: false, count: axis === null ? 1 : dims[axis]! };
  const withoutBatch = axis === 0 ? shape.slice(1) : null;
  // One sample stored without its batch axis.
  if (withoutBatch && fits(dims, withoutBatch))
    return { port, tensor: { ...tensor, dims: [1, ...dims] }, axis: null, stacked: false, count: 1 };
  if (dims.length === shape.length + 1 && fits(dims.slice(1), shape))
    return { port, tensor, axis: 0, stacked: true, count: dims[0]! };
  throw calibrationShape(
    where,
    `${tensor.dtype} [${dims.join(',')}]`,
    port.name,
    formatInput(port),
    shapeHint(shape, axis),
  );
}

/** The axis along which an input counts samples: where the batch symbol stands, or a first axis that is
 *  open or 1. */
function batchAxis(shape: Shape, batch: Dim | undefined): number | null {
  const symbol = batch === undefined ? -1 : shape.indexOf(batch);
  if (symbol >= 0) return symbol;
  // [1] is a setting, such as a sampling rate, not a batch of one.
  if (shape.length === 1 && shape[0] === 1) return null;
  return shape.length > 0 && (typeof shape[0] !== 'number' || shape[0] === 1) ? 0 : null;
}

const fits = (dims: readonly number[], shape: Shape) =>
  dims.length === shape.length && shape.every((d, i) => typeof d !== 'number' || d === dims[i]);

function shapeHint(shape: Shape, axis: number | null): string {
  const rest = axis === 0 ? shape.slice(1) : shape;
  const some = rest.length === 1 ? 'whose last dimension is' : `whose last ${rest.length} dimensions are`;
  const picture = shape.length === 4 && [shape[1], shape[3]].some((d) => d === 1 || d === 3);
  return `Pass ${picture ? 'images, or ' : ''}an array ${some} ${formatShape(rest).slice(1, -1)}.`;
}

/** One sample's slice, batch dimension 1 kept. Copies only what isn't contiguous. */
function sampleOf({ tensor, axis, stacked, port }: Binding, index: number): Tensor {
  if (axis === null) return tensor;
  const { dims } = tensor;
  const inner = elementCount(dims.slice(axis + 1));
  const outer = elementCount(dims.slice(0, axis));
  const sampleDims = stacked ? dims.slice(1) : dims.map((d, i) => (i === axis ? 1 : d));
  const step = byteLength(tensor.dtype, inner);
  const bytes = tensor.bytes();
  if (outer === 1)
    return denseTensor(tensor.dtype, sampleDims, bytes.subarray(index * step, (index + 1) * step), port.name);
  const out = new Uint8Array(outer * step);
  for (let o = 0; o < outer; o++) {
    const from = (o * dims[axis]! + index) * step;
    out.set(bytes.subarray(from, from + step), o * step);
  }
  return denseTensor(tensor.dtype, sampleDims, out, port.name);
}
