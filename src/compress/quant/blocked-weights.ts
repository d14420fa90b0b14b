/** Which weights can be stored in blocks (MatMulNBits, GatherBlockQuantized), and why the others can't. */
import { floatAttribute, intAttribute } from '../../model/ir/attribute.ts';
import type { DType } from '../../model/ir/dtype.ts';
import { constantOf, dtypeOf, isOp, type Model, type Node, opKey, shapeOf } from '../../model/ir/model.ts';
import { elementCount, type Tensor } from '../../model/ir/tensor.ts';
import { nodesOf } from '../../model/ir/walk.ts';
import { constantBehind } from '../../model/ops/constant-behind.ts';
import { readsThrough, type StoredWeight, storedWeight } from '../../model/ops/stored-weight.ts';
import { type NodeWeight, weightsOf } from '../../model/ops/weights.ts';
import { noWeight } from './plan.ts';

export interface BlockRules {
  /** Operators whose products are wanted. */
  readonly ops: readonly string[];
  /** Tables too that no product reads. */
  readonly embeddings: boolean;
  readonly blockSize: number;
  readonly minElements: number;
  readonly selected: (node: Node) => boolean;
  /** Weights that a wanted product and a table read: see `tiedWeights`. */
  readonly tied: ReadonlySet<Tensor>;
}

/** A weight that may be stored in blocks, as its operator reads it. */
export interface BlockPlace {
  readonly node: Node;
  readonly input: NodeWeight;
  /** null: it is not a float constant. */
  readonly weight: StoredWeight | null;
}

export function placeOf(node: Node): BlockPlace | null {
  const found = weightsOf(node, 'blockwise');
  const input = found.kind === 'known' ? found.weights[0] : undefined;
  return input ? { node, input, weight: storedWeight(node.inputs[input.index]) } : null;
}

/** Rows of a table of embeddings along axis 0, or a product; other look-ups are none of ours. */
export function isWanted({ node, input, weight }: BlockPlace, o: BlockRules): boolean {
  if (input.role !== 'table') return o.ops.includes(opKey(node));
  const isEmbedding = weight?.order.length === 2 && input.layout?.channel === 0;
  return isEmbedding && (o.embeddings || o.tied.has(weight.tensor));
}

/** Weights that products read, and look-ups as their table: the embedding of the tokens that scores them too. */
export function tiedWeights(model: Model, ops: readonly string[]): ReadonlySet<Tensor> {
  const [products, tables] = [new Set<Tensor>(), new Set<Tensor>()];
  for (const node of nodesOf(model)) {
    const place = placeOf(node);
    if (!place?.weight) continue;
    if (place.input.role === 'table') tables.add(place.weight.tensor);
    else if (ops.includes(opKey(node))) products.add(place.weight.tensor);
  }
  return new Set([...tables].filter((t) => products.has(t)));
}

/** How MatMulNBits finds its inputs in the stored weight: how many there are, and whether they are the rows. */
export function blocksOf({
  input,
  weight,
}: BlockPlace): { columns: number; rows: number; transposed: boolean } | null {
  const { tensor, order } = weight!;
  const matrix = [...tensor.dims.keys()].slice(-2);
  const isMatrix =
    tensor.dims.slice(0, -2).every((d) => d === 1) && order.slice(0, -2).every((axis, i) => axis === i);
  const along = input.role === 'table' ? order[1] : order[input.layout?.reduced[0] ?? -1];
  if (!isMatrix || matrix.length < 2 || along === undefined) return null;
  const transposed = along === matrix[0];
  const [rows, columns] = (transposed ? [...matrix].reverse() : matrix).map((axis) => tensor.dims[axis]!);
  return { columns: columns!, rows: rows!, transposed };
}

/** Why a wanted weight can't be stored in blocks; null when it can. */
export function blockObstacle(place: BlockPlace, o: BlockRules): string | null {
  return ownObstacle(place, o) ?? (o.selected(place.node) ? readObstacle(place, o) : 'excluded');
}

function ownObstacle(place: BlockPlace, o: BlockRules): string | null {
  const { node, input, weight } = place;
  if (!weight) return constantObstacle(node, input);
  const { dims } = weight.tensor;
  const read = dtypeOf(node.inputs[input.index]);
  if (read !== 'float32' && read !== 'float16') return `weight-is-${read}`;
  const blocks = blocksOf(place);
  if (!blocks) return `weight-has-${dims.length}-dimensions`;
  if (elementCount(dims) < o.minElements) return 'small-weight';
  if (input.role === 'table')
    return blocks.columns % o.blockSize === 0 ? null : 'row-not-a-multiple-of-a-block';
  if (blocks.columns < o.blockSize) return `fewer-inputs-than-a-block: ${blocks.columns}`;
  return inputObstacle(place, read);
}

function constantObstacle(node: Node, input: NodeWeight): string {
  const behind = constantBehind(node.inputs[input.index]);
  if (behind) return `weight-is-${behind.tensor.dtype}`;
  const isLeft = storedWeight(node.inputs[1 - input.index]) !== null;
  return isLeft ? 'weight-on-the-left' : noWeight(node);
}

function inputObstacle({ node, input, weight }: BlockPlace, read: DType): string | null {
  const x = node.inputs[input.activation ?? 0];
  if (dtypeOf(x) !== read) return `input-is-${dtypeOf(x)}`;
  if (constantOf(x)) return 'input-is-constant';
  const rank = shapeOf(x)?.length ?? 2;
  if (rank < 2) return 'input-is-a-vector';
  // The leading ones of the weight would be missing from the result.
  if (rank < weight!.tensor.dims.length) return `weight-has-${weight!.tensor.dims.length}-dimensions`;
  if (!isOp(node, 'Gemm')) return null;
  if (intAttribute(node, 'transA', 0)) return 'gemm-transposes-input';
  const bias = node.inputs[2];
  return bias && !constantOf(bias) && floatAttribute(node, 'beta', 1) !== 1
    ? 'gemm-scales-a-computed-bias'
    : null;
}

/** A weight that something else reads in another form would be stored twice. */
function readObstacle({ weight, node }: BlockPlace, o: BlockRules): string | null {
  const { value, tensor } = weight!;
  const others = value.uses
    .flatMap((use) => readsThrough(use, tensor))
    .filter(({ use }) => use.node !== node);
  const other = others.find(({ use }) => {
    const place = use.node && placeOf(use.node);
    return !place || !isWanted(place, o) || ownObstacle(place, o) !== null || !o.selected(place.node);
  });
  return other
    ? `weight-also-read-by: ${other.use.node ? opKey(other.use.node) : 'an output of the model'}`
    : null;
}
