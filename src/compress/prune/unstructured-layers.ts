/** Weights that single zeros may be put into, seen as matrices: rows are outputs, columns are what is summed over. */
import type { MomentRequest } from '../../compute/calibrate/statistics.ts';
import { type Attribute, intAttribute } from '../../model/ir/attribute.ts';
import { constantOf, type Model, type Node, shapeOf, type Value } from '../../model/ir/model.ts';
import { elementCount, float32Values } from '../../model/ir/tensor.ts';
import { nodesOf } from '../../model/ir/walk.ts';
import { type NodeWeight, weightsOf } from '../../model/ops/weights.ts';

export interface WeightLayer {
  readonly value: Value;
  readonly node: Node;
  /** What the operators' table says of it. */
  readonly weight: NodeWeight;
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

/** One entry a weight, in graph order; a weight that several nodes read is judged by the first. */
export function findWeightLayers(model: Model): WeightLayer[] {
  const found = new Map<Value, WeightLayer>();
  for (const node of nodesOf(model)) {
    const weights = weightsOf(node, 'sparse');
    for (const weight of weights.kind === 'known' ? weights.weights : []) {
      const value = node.inputs[weight.index];
      const tensor = constantOf(value);
      if (!value || !tensor || found.has(value) || tensor.dtype !== 'float32' || tensor.dims.length < 2)
        continue;
      const layout = layoutOf(weight, tensor.dims);
      found.set(value, {
        value,
        node,
        weight,
        name: node.name || value.name,
        layout,
        moments: (diagonal) => (node.graph === model.graph ? momentsOf(weight, layout, diagonal) : null),
      });
    }
  }
  return [...found.values()];
}

/** As a matrix, where each output has a row: the kernel of a convolution with its outputs first, and the right factor of a
 *  product. */
function layoutOf({ layout, role, activation }: NodeWeight, dims: readonly number[]): Layout | null {
  if (!layout || role !== 'product' || activation !== 0 || layout.channel === null) return null;
  const { channel, groups } = layout;
  if (layout.kernel) {
    const columns = elementCount(dims.slice(1));
    const places = elementCount(dims.slice(2));
    return channel === 0
      ? { rows: dims[0]!, columns, rowStride: columns, columnStride: 1, groups, places }
      : null;
  }
  if (dims.length !== 2) return null;
  const [rows, columns] = [dims[channel]!, dims[1 - channel]!];
  const [rowStride, columnStride] = channel === 0 ? [columns, 1] : [1, rows];
  return { rows, columns, rowStride, columnStride, groups: 1, places: 1 };
}

/** Of products that are linear in what they read, which are those that two thin factors can stand for. */
function momentsOf(
  { node, index, activation, layout: axes, forms }: NodeWeight,
  layout: Layout | null,
  diagonal: boolean,
): MomentRequest | null {
  const input = activation === null ? null : node.inputs[activation];
  if (!layout || !input || input.constant || !forms.has('low-rank')) return null;
  if (intAttribute(node, 'transA', 0)) return null;
  if (!axes?.kernel)
    return (shapeOf(input)?.length ?? 0) >= 2
      ? { kind: 'moments', value: input.name, patches: null, groups: 1, diagonal }
      : null;
  const [, perGroup, ...kernel] = shapeOf(node.inputs[index]) as number[];
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
