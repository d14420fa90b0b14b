/** Whether what one model says is there is there for the other, each activation by itself: those above a half. */
import { float32Values } from '../../../model/ir/tensor.ts';
import { measured } from '../measure.ts';
import type { OpenMeter } from '../meter.ts';
import { outputsAs } from '../task.ts';

const half = 0.5;

/** F1 = 2·both / (before + after), over all activations of all samples; null where neither says that anything is there. */
export const activationsMeter: OpenMeter = ({ task }) => {
  const names = outputsAs(task, 'activations');
  let [both, before, after, off, count] = [0, 0, 0, 0, 0];
  return {
    add(x, y) {
      for (const name of names) {
        const [a, b] = [float32Values(x[name]!), float32Values(y[name]!)];
        for (let i = 0; i < a.length; i++) {
          const [was, is] = [a[i]! > half, b[i]! > half];
          if (was) before++;
          if (is) after++;
          if (was && is) both++;
          off += Math.abs(a[i]! - b[i]!);
        }
        count += a.length;
      }
      return null;
    },
    result: () =>
      count === 0
        ? []
        : [
            measured('activations-f1', before + after > 0 ? (2 * both) / (before + after) : null),
            measured('activations-error', off / count),
          ],
  };
};
