/** What attention must not look at, as float32 terms that are added to the scores [B, N, S, T]. */
import { floatAttribute } from '../../../model/ir/attribute.ts';
import { dtypeOf, type Value } from '../../../model/ir/model.ts';
import { tensorOf } from '../../../model/ir/tensor.ts';
import type { Emitter } from '../emitter.ts';
import type { LoweringContext } from '../rule.ts';

/** Far below any score, and still finite after another is added to it. */
export const hidden = -1e30;

/** Terms [1, 1, S, T]: query s sees keys s − before … s.
 *  @param before  how many keys before its own; all when absent */
export function causal(e: Emitter, queries: number, keys: number, before = Number.POSITIVE_INFINITY): Value {
  const values = new Float32Array(queries * keys);
  for (let s = 0; s < queries; s++)
    for (let t = 0; t < keys; t++) if (t > s || t < s - before) values[s * keys + t] = hidden;
  return e.constant(tensorOf('float32', [1, 1, queries, keys], values));
}

/** 0 where `seen` is true, `amount` elsewhere. */
export const hide = (e: Emitter, seen: Value, amount: number): Value => e.op('Where', [seen, 0, amount]);

/** Terms of a com.microsoft mask input: raw [B, T] or [B, S, T], or int32 ends [B], or ends and starts [2·B].
 *  null for the forms that the runtime has for its own kernels. */
export function padding(c: LoweringContext, mask: Value, batch: number, keys: number): Value | null {
  const amount = floatAttribute(c.node, 'mask_filter_value', -10000);
  const dims = c.dims(mask);
  const raw = () => (dtypeOf(mask) === 'bool' ? mask : c.op('Cast', [mask], { to: 9 }));
  if (dims.length === 2 && dims[0] === batch && dims[1] === keys)
    return hide(c, c.reshape(raw(), [batch, 1, 1, keys]), amount);
  if (dims.length === 3) return hide(c, c.op('Unsqueeze', [raw(), c.ints([1])]), amount);
  if (dims.length !== 1 || (dims[0] !== batch && dims[0] !== 2 * batch)) return null;
  const places = c.constant(
    tensorOf(
      'int32',
      [1, keys],
      Int32Array.from({ length: keys }, (_, t) => t),
    ),
  );
  const part = (from: number) => {
    const rows = c.op('Slice', [mask, c.ints([from]), c.ints([from + batch]), c.ints([0])]);
    return c.reshape(rows, [batch, 1]);
  };
  const early = c.op('Less', [places, part(0)]);
  const seen =
    dims[0] === batch ? early : c.op('And', [early, c.op('GreaterOrEqual', [places, part(batch)])]);
  return hide(c, c.reshape(seen, [batch, 1, 1, keys]), amount);
}
