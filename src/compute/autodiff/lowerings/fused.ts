/** Products that a runtime's optimiser fused, taken apart as for compression (src/model/rewrite/fused). */
import type { Value } from '../../../model/ir/model.ts';
import { opset } from '../../../model/ir/model.ts';
import { fusedProducts } from '../../../model/rewrite/fused/products.ts';
import type { Emit, EmitInput, EmitOptions } from '../../../model/rewrite/rule.ts';
import type { Lowering, LoweringContext, LoweringTable } from '../rule.ts';

/** A rule's way of adding nodes, on a training graph. */
function emitOn(c: LoweringContext): Emit {
  const node = (opType: string, inputs: readonly EmitInput[], outputs: number, options: EmitOptions = {}) => {
    const { domain, attributes = {} } = options;
    const given = inputs.map((v) => (v && 'bytes' in v ? c.constant(v) : v));
    const own = attributes instanceof Map ? Object.fromEntries(attributes) : { ...attributes };
    const made = c.ops(domain ? `${domain}:${opType}` : opType, given, outputs, own);
    return made[0]!.producer!;
  };
  const emit = (opType: string, inputs: readonly EmitInput[], options?: EmitOptions) =>
    node(opType, inputs, 1, options).outputs[0] as Value;
  const { model } = c;
  return Object.assign(emit, {
    node,
    constant: (t: Parameters<Emit['constant']>[0]) => c.constant(t),
    model,
    opset: opset(model),
  });
}

const apart =
  (key: string): Lowering =>
  (c) => {
    const answer = fusedProducts[key]!(c.node, emitOn(c));
    if (answer === null || 'skip' in answer) return null;
    return Array.isArray(answer) ? answer : [answer as Value];
  };

export const fusedLowerings: LoweringTable = Object.fromEntries(
  Object.keys(fusedProducts).map((key) => [key, apart(key)]),
);
