/** Matrix products. Y = A·B over the last two axes ⇒ dA = dY·Bᵀ, dB = Aᵀ·dY, summed over broadcast batch axes. */
import { float, floatAttribute, intAttribute } from '../../../model/ir/attribute.ts';
import type { Value } from '../../../model/ir/model.ts';
import type { GradientRule, GradientTable, RuleContext } from '../rule.ts';
import { einsum } from './einsum.ts';

/** A vector counts as a row on the left and as a column on the right, as MatMul itself has it. */
const asMatrix = (dims: readonly number[], side: 'left' | 'right') =>
  dims.length > 1 ? [...dims] : side === 'left' ? [1, ...dims] : [...dims, 1];

const swapLast = (c: RuleContext, v: Value) => {
  const rank = c.dims(v).length;
  const perm = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
  return c.transpose(v, perm);
};

const matMul: GradientRule = (c) => {
  const given = [c.dims(c.input(0)), c.dims(c.input(1))] as const;
  const [left, right] = [asMatrix(given[0], 'left'), asMatrix(given[1], 'right')];
  const [a, b] = [c.reshape(c.input(0), left), c.reshape(c.input(1), right)];
  const [m, k, n] = [left.at(-2) as number, left.at(-1) as number, right.at(-1) as number];
  const output = c.dims(c.output(0));
  const batch = output.slice(
    0,
    output.length - (given[0].length > 1 ? 1 : 0) - (given[1].length > 1 ? 1 : 0),
  );
  const g = c.reshape(c.gradient(0) as Value, [...batch, m, n]);
  if (right.length === 2) {
    // One weight for all rows: each gradient is a single 2-D product, nothing is summed afterwards.
    const rows = left.slice(0, -1).reduce((x, y) => x * y, 1);
    const flat = c.reshape(g, [rows, n]);
    const dA = () => c.op('Gemm', [flat, b], { transB: 1 });
    const dB = () => c.op('Gemm', [c.reshape(a, [rows, k]), flat], { transA: 1 });
    return [c.wants(0) ? c.reshape(dA(), given[0]) : null, c.wants(1) ? c.reshape(dB(), given[1]) : null];
  }
  // onnxruntime folds these transposes into the product.
  const dA = () => c.sumTo(c.op('MatMul', [g, swapLast(c, b)]), left);
  const dB = () => c.sumTo(c.op('MatMul', [swapLast(c, a), g]), right);
  return [c.wants(0) ? c.reshape(dA(), given[0]) : null, c.wants(1) ? c.reshape(dB(), given[1]) : null];
};

/** Y = α·A'·B' + β·C with A' = Aᵀ when transA. */
const gemm: GradientRule = (c) => {
  const g = c.gradient(0) as Value;
  const [a, b] = [c.input(0), c.input(1)];
  const [transA, transB] = [intAttribute(c.node, 'transA', 0), intAttribute(c.node, 'transB', 0)];
  const [alpha, beta] = [floatAttribute(c.node, 'alpha', 1), floatAttribute(c.node, 'beta', 1)];
  const product = (x: Value, y: Value, left: number, right: number) =>
    c.op('Gemm', [x, y], { transA: left, transB: right, alpha: float(alpha) });
  const dC = () => {
    const sum = c.sumTo(g, c.dims(c.input(2)));
    return beta === 1 ? sum : c.op('Mul', [sum, beta]);
  };
  return [
    c.wants(0) ? (transA ? product(b, g, transB, 1) : product(g, b, 0, 1 - transB)) : null,
    c.wants(1) ? (transB ? product(g, a, 1, transA) : product(a, g, 1 - transA, 0)) : null,
    c.wants(2) ? dC() : null,
  ];
};

export const matrix: GradientTable = { MatMul: matMul, Gemm: gemm, Einsum: einsum };
