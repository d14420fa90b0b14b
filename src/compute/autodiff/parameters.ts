/** Which initialisers are weights that training may change. A graph does not say; the place where a constant is read does. */
import { isOp, type Model, type Node, shapeOf, type Value } from '../../model/ir/model.ts';
import { elementCount, float32Values } from '../../model/ir/tensor.ts';
import { type WeightRole, weightAt, weightRow } from '../../model/ops/weights.ts';

/** What training may change of what the operators' table knows. */
const trained: readonly WeightRole[] = ['product', 'table', 'recurrent', 'bias', 'parameter'];

export interface ParameterChoice {
  /** Names or * patterns of initialisers that stay as they are. */
  readonly freeze?: readonly string[];
  /** Initialisers to train besides those found, such as the scales of quantised training. */
  readonly also?: readonly string[];
}

/** Float32 initialisers that are read as weights, in graph order. Left out: scalars, running statistics, masks (values beyond
 *  ±10 000), constants applied to a graph input (preprocessing), and what `freeze` names. */
export function trainableParameters(model: Model, choice: ParameterChoice = {}): Value[] {
  const inputs = new Set(model.graph.inputs);
  const frozen = (choice.freeze ?? []).map(pattern);
  const also = new Set(choice.also);
  return [...model.graph.initializers].filter((v) => {
    if (v.constant?.dtype !== 'float32' || frozen.some((p) => p.test(v.name))) return false;
    if (also.has(v.name)) return true;
    return elementCount(v.constant.dims) > 1 && isWeight(v, inputs) && !isMask(v);
  });
}

const pattern = (text: string) =>
  new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);

function isWeight(v: Value, inputs: ReadonlySet<Value>): boolean {
  return v.uses.some(
    ({ node, index }) => node !== undefined && node !== null && readsWeight(node, index, inputs),
  );
}

/** A weight by its place, or behind what hands it on; of operands the one that isn't a graph input. */
function readsWeight(node: Node, index: number, inputs: ReadonlySet<Value>): boolean {
  const row = weightRow(node);
  const weight = weightAt(node, index);
  if (typeof weight === 'object' && weight !== null && trained.includes(weight.role)) return true;
  if (row?.kind === 'operands')
    return node.inputs.some((other, i) => i !== index && other !== null && !inputs.has(other));
  const isHandedOn = row?.kind === 'moves' || isOp(node, 'QuantizeLinear', 'DequantizeLinear');
  return isHandedOn && index === 0 && node.outputs.some((out) => out && isWeight(out, inputs));
}

function isMask(v: Value): boolean {
  if ((shapeOf(v)?.length ?? 0) < 2) return false;
  return v.constant ? float32Values(v.constant).some((x) => !(Math.abs(x) < 1e4)) : false;
}
