/** Functions that compute in float16 as they stand: a body says no type, so a call in float16 runs it in float16. That holds
 *  as long as nothing in it is written for float32: no constant, no Cast, no type, nothing that float16 has no form of.
 *  Reductions, roots and exponentials are not among them: whether float16 carries them hangs on what is around
 *  (float16-norms.ts in src/compress/quant). Source: ONNX IR, "Functions". */
import { constantNodeTensor } from '../ir/constant-node.ts';
import { type FunctionTable, functionTable } from '../ir/functions.ts';
import { dtypeOf, isOp, type Model, type ModelFunction, type Node, type Value } from '../ir/model.ts';
import { float16Kind, isFloat32Input, isFloat32Output, keptInFloat32 } from './float16.ts';
import type { Float16Kind } from './types.ts';

/** As float16Kind, and 'light' for calls of functions that compute in float16 as they stand. */
export function float16Kinds(model: Pick<Model, 'functions'>): (node: Node) => Float16Kind | null {
  const table = functionTable(model.functions);
  const asItIs = followsFloat(table);
  return (node) => {
    const fn = table(node);
    if (!fn) return float16Kind(node);
    return asItIs(fn) ? 'light' : null;
  };
}

/** Whether a body computes in the float type that it is called with. */
export function followsFloat(table: FunctionTable): (fn: ModelFunction) => boolean {
  const known = new Map<ModelFunction, boolean>();
  const follows = (fn: ModelFunction): boolean => {
    const before = known.get(fn);
    if (before !== undefined) return before;
    const { graph } = fn;
    const found =
      ![...graph.initializers, ...graph.inputs, ...graph.outputs].some(isFloat32) &&
      graph.nodes.every((node) => {
        const called = table(node);
        return called ? follows(called) : isPlain(node);
      });
    known.set(fn, found);
    return found;
  };
  return follows;
}

const isFloat32 = (v: Value | null) => dtypeOf(v) === 'float32';

const coarse = ['Cast', 'Exp', 'Pow', 'Reciprocal', 'ReduceMean', 'ReduceSum', 'ReduceSumSquare', 'Sqrt'];

/** A node of a body that takes either type: a light operator, or a constant of integers. */
function isPlain(node: Node): boolean {
  if (isOp(node, 'Constant')) return constantNodeTensor(node)?.dtype.includes('int') ?? false;
  const typed =
    node.outputs.some(isFloat32) ||
    node.inputs.some((_, i) => isFloat32Input(node, i)) ||
    node.outputs.some((_, i) => isFloat32Output(node, i));
  return (
    !typed &&
    float16Kind(node) === 'light' &&
    !isOp(node, ...coarse) &&
    !keptInFloat32.includes(node.opType) &&
    [...node.attributes.values()].every((a) => a.type !== 'graph' && a.type !== 'reference')
  );
}
