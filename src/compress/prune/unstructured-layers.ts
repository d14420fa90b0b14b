/** Weights that single zeros may be put into, seen as matrices: rows are outputs, columns are what is summed over. */
import type { MomentRequest } from '../../compute/calibrate/statistics.ts';
import { type Attribute, intAttribute } from '../../model/ir/attribute.ts';
import { constantOf, isOp, type Model, type Node, shapeOf, type Value } from '../../model/ir/model.ts';
import { elementCount, float32Values } from '../../model/ir/tensor.ts';
import { nodesOf } from '../../model/ir/walk.ts';

export interface WeightLayer {
  readonly value: Value;
  readonly node: Node;
  /** The layer in messages. */
  readonly name: string;
  readonly layout: Layout | null;
  /** Asks for the moments of what the columns are multiplied with; null where there is no single such matrix. */
  moments(diagonal: boolean): MomentRequest | null;
}

/** Element (row, column) is at row·rowStride + column·columnStride. Rows fall into `groups` equal parts, each with inputs of
 *  its own (grouped convolution). */
export interface Layout {
  readonly rows: number;
  readonly columns: number;
  readonly rowStride: number;
  readonly columnStride: number;
  readonly groups: number;
  /** Columns a channel: places of the kernel; neighbours along the channels are this far apart. */
  readonly places: number;
}

const weightIndices: Readonly<Record<string, readonly number[]>> = {
  Conv: [1],
  ConvTranspose: [1],
  Gemm: [1],
  MatMul: [0, 1],
  LSTM: [1, 2],
  GRU: [1, 2],
  RNN: [1, 2],
};

/** One entry a weight, in graph order; a weight that several nodes read is judged by the first. */
export function findWeightLayers(model: Model): WeightLayer[] {
  const found = new Map<Value, WeightLayer>();
  for (const node of nodesOf(model)) {
    if (node.domain !== '' && node.domain !== 'ai.onnx') continue;
    for (const index of weightIndices[node.opType] ?? []) {
      const value = node.inputs[index];
      const tensor = constantOf(value);
      if (!value || !tensor || found.has(value) || tensor.dtype !== 'float32' || tensor.dims.length < 2)
        continue;
      const layout = layoutOf(node, index, tensor.dims);
      found.set(value, {
        value,
        node,
        name: node.name || value.name,
        layout,
        moments: (diagonal) => (node.graph === model.graph ? momentsOf(node, index, layout, diagonal) : null),
      });
    }
  }
  return [...found.values()];
}

function layoutOf(node: Node, index: number, dims: readonly number[]): Layout | null {
  const plain = { groups: 1, places: 1 };
  if (isOp(node, 'Conv')) {
    const [rows] = dims as [number];
    const columns = elementCount(dims.slice(1));
    return {
      rows,
      columns,
      rowStride: columns,
      columnStride: 1,
      groups: intAttribute(node, 'group', 1),
      places: elementCount(dims.slice(2)),
    };
  }
  if (dims.length !== 2 || index !== 1) return null;
  const [a, b] = dims as [number, number];
  if (isOp(node, 'Gemm') && intAttribute(node, 'transB', 0))
    return { rows: a, columns: b, rowStride: b, columnStride: 1, ...plain };
  if (isOp(node, 'Gemm', 'MatMul')) return { rows: b, columns: a, rowStride: 1, columnStride: b, ...plain };
  return null;
}

function momentsOf(
  node: Node,
  index: number,
  layout: Layout | null,
  diagonal: boolean,
): MomentRequest | null {
  const input = node.inputs[0];
  if (!layout || !input || input.constant) return null;
  if (isOp(node, 'Gemm') && intAttribute(node, 'transA', 0)) return null;
  if (!isOp(node, 'Conv'))
    return index === 1 && (shapeOf(input)?.length ?? 0) >= 2
      ? { kind: 'moments', value: input.name, patches: null, groups: 1, diagonal }
      : null;
  const [, perGroup, ...kernel] = shapeOf(node.inputs[1]) as number[];
  const list = (name: string) => numbersOf(node.attributes.get(name));
  const autoPad = node.attributes.get('auto_pad');
  return {
    kind: 'moments',
    value: input.name,
    patches: {
      channels: (perGroup as number) * layout.groups,
      kernel,
      strides: list('strides'),
      pads: list('pads'),
      dilations: list('dilations'),
      autoPad: autoPad?.type === 'string' ? new TextDecoder().decode(autoPad.value) : undefined,
    },
    groups: layout.groups,
    diagonal,
  };
}

const numbersOf = (a: Attribute | undefined) => (a?.type === 'ints' ? a.value.map(Number) : undefined);

/** Share of weights that are zero. */
export function sparsityOf(layers: readonly WeightLayer[]): number {
  let [zeros, all] = [0, 0];
  for (const { value } of layers) {
    if (!value.constant) continue;
    const values = float32Values(value.constant);
    all += values.length;
    for (let i = 0; i < values.length; i++) if (values[i] === 0) zeros++;
  }
  return all === 0 ? 0 : zeros / all;
}

/** Weights of which at least a tenth is zero: pruned ones, whose zeros training has to keep. */
export function sparseWeights(model: Model): string[] {
  return findWeightLayers(model).flatMap((layer) => (sparsityOf([layer]) >= 0.1 ? [layer.value.name] : []));
}

/** How often a layer's matrix is multiplied with in a sample: pixels, tokens. Sizes that are left open count once. */
export function placesOf({ node, layout }: Pick<WeightLayer, 'node' | 'layout'>): number {
  const shape = shapeOf(node.outputs[0]) ?? [];
  const known = shape.reduce<number>((n, d) => n * (typeof d === 'number' ? d : 1), 1);
  return Math.max(1, known / (layout?.rows ?? known));
}
