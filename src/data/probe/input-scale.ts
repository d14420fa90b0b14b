/** What the first operators of a graph say about the range of its inputs. */
import { floatAttribute } from '../../model/ir/attribute.ts';
import { isOp, type Model, type Node, readers, type Value } from '../../model/ir/model.ts';
import { elementCount, numbers, type Tensor } from '../../model/ir/tensor.ts';
import { constantBehind } from '../../model/ops/constant-behind.ts';

/** The input is brought to about 0 ± 1 by (x − mean) / deviation, one number each for all channels or for each. */
export interface InputScale {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** Subtractions, factors and normalisations that come before anything else reads the input; null where there are none. */
export function inputScale(model: Model, input: string): InputScale | null {
  let value = model.graph.inputs.find(({ name }) => name === input) ?? null;
  // y = factor · x + offset so far.
  let factor: readonly number[] = [1];
  let offset: readonly number[] = [0];
  let isAny = false;
  while (value) {
    const [node, ...others]: Node[] = readers(value);
    if (!node || others.length > 0) break;
    const step = stepOf(node, value);
    if (!step) break;
    isAny ||= step.isScale;
    offset = zipped(
      zipped(offset, step.factor, (a, b) => a * b),
      step.offset,
      (a, b) => a + b,
    );
    factor = zipped(factor, step.factor, (a, b) => a * b);
    value = node.outputs[0] ?? null;
  }
  if (!isAny || factor.some((f) => f === 0 || !Number.isFinite(f))) return null;
  return { mean: zipped(offset, factor, (o, f) => -o / f), deviation: factor.map((f) => Math.abs(1 / f)) };
}

interface Step {
  readonly isScale: boolean;
  readonly factor: readonly number[];
  readonly offset: readonly number[];
}

const same: Step = { isScale: false, factor: [1], offset: [0] };

/** More numbers than channels are a picture of their own. */
const mostChannels = 8;

function stepOf(node: Node, value: Value): Step | null {
  if (isOp(node, 'Cast', 'Identity', 'Transpose', 'Reshape', 'Unsqueeze', 'Squeeze')) return same;
  if (isOp(node, 'BatchNormalization')) return normalisation(node);
  if (!isOp(node, 'Sub', 'Add', 'Mul', 'Div') || (isOp(node, 'Div') && node.inputs[0] !== value)) return null;
  const other = bareConstant(node.inputs[node.inputs[0] === value ? 1 : 0]);
  const by = other && elementCount(other.dims) <= mostChannels ? numbers(other) : null;
  if (!by) return null;
  const isTurned = isOp(node, 'Sub') && node.inputs[0] !== value;
  const none = by.map(() => 0);
  const one = by.map(() => 1);
  if (isOp(node, 'Mul')) return { isScale: true, factor: by, offset: none };
  if (isOp(node, 'Div')) return { isScale: true, factor: by.map((v) => 1 / v), offset: none };
  if (isOp(node, 'Add')) return { isScale: true, factor: one, offset: by };
  return isTurned
    ? { isScale: true, factor: one.map(() => -1), offset: by }
    : { isScale: true, factor: one, offset: by.map((v) => -v) };
}

function bareConstant(value: Value | null | undefined): Tensor | null {
  const found = constantBehind(value);
  return found && found.through.length === 0 ? found.tensor : null;
}

/** What the input was like in training, whatever it is turned into. */
function normalisation(node: Node): Step | null {
  const [mean, variance] = [3, 4].map((i) => bareConstant(node.inputs[i]));
  if (!mean || !variance) return null;
  const epsilon = floatAttribute(node, 'epsilon', 1e-5);
  const factor = numbers(variance).map((v) => 1 / Math.sqrt(v + epsilon));
  const offset = zipped(numbers(mean), factor, (m, f) => -m * f);
  return { isScale: true, factor, offset };
}

/** One number stands for all. */
function zipped(
  a: readonly number[],
  b: readonly number[],
  of: (a: number, b: number) => number,
): readonly number[] {
  const length = Math.max(a.length, b.length);
  return Array.from({ length }, (_, i) => of(a[i % a.length]!, b[i % b.length]!));
}
