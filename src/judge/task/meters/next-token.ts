/** How alike two models predict what comes next: the token, and its distribution. */
import type { Sample } from '../../../data/source.ts';
import { float32Values, numbers } from '../../../model/ir/tensor.ts';
import { measured } from '../measure.ts';
import type { OpenMeter } from '../meter.ts';
import { outputsAs } from '../task.ts';

/** Mean over all tokens that aren't padding. Divergence is that of the result's distribution from the original's, Σ p·log(p/q) in nats
 *  (Kullback–Leibler). */
export const nextTokenMeter: OpenMeter = ({ task, inputs }) => {
  const name = outputsAs(task, 'logits')[0]!;
  const isJoint = inputs.some((p) => p.name === 'decoder_input_ids');
  let [count, same, divergence] = [0, 0, 0];
  return {
    add(x, y, sample) {
      const width = x[name]!.dims.at(-1)!;
      const [a, b] = [float32Values(x[name]!), float32Values(y[name]!)];
      const places = a.length / width;
      const mask = maskOf(sample, isJoint, places);
      for (let place = 0; place < places; place++) {
        if (mask && !mask[place]) continue;
        const [before, after] = [rowAt(a, place * width, width), rowAt(b, place * width, width)];
        count++;
        if (before.best === after.best) same++;
        divergence += kullbackLeibler(a, b, place * width, width, before, after);
      }
      return null;
    },
    result: () =>
      count === 0
        ? []
        : [
            measured('same-next-token', same / count),
            // Rounding makes a sum of nothing a hair less than nothing.
            measured('divergence', Math.max(0, divergence / count)),
          ],
  };
};

/** Which tokens are text; null: all. An encoder's mask is about other tokens. */
function maskOf({ inputs }: Pick<Sample, 'inputs'>, isJoint: boolean, places: number): number[] | null {
  const mask = inputs[isJoint ? 'decoder_attention_mask' : 'attention_mask'];
  const values = mask && numbers(mask);
  return values?.length === places ? values : null;
}

interface Row {
  readonly best: number;
  /** log Σ exp(x) */
  readonly logSum: number;
}

function rowAt(x: Float32Array, start: number, width: number): Row {
  let best = 0;
  for (let i = 1; i < width; i++) if (x[start + i]! > x[start + best]!) best = i;
  const top = x[start + best]!;
  let sum = 0;
  for (let i = 0; i < width; i++) sum += Math.exp(x[start + i]! - top);
  return { best, logSum: top + Math.log(sum) };
}

function kullbackLeibler(
  a: Float32Array,
  b: Float32Array,
  start: number,
  width: number,
  p: Row,
  q: Row,
): number {
  let sum = 0;
  for (let i = start; i < start + width; i++) {
    const [logP, logQ] = [a[i]! - p.logSum, b[i]! - q.logSum];
    const share = Math.exp(logP);
    // What never comes adds nothing, however unlikely the other finds it.
    if (share > 0) sum += share * (logP - logQ);
  }
  return sum;
}
