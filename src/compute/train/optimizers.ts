/** Update rules as ONNX nodes: weight and state in, new weight and state out, in the same run as the gradients. */

import { dtypes } from '../../model/ir/dtype.ts';
import type { Value } from '../../model/ir/model.ts';
import type { Emitter } from '../autodiff/emitter.ts';

export type OptimizerSpec =
  | { readonly kind: 'sgd'; readonly momentum?: number; readonly nesterov?: boolean }
  | {
      readonly kind: 'adam' | 'adamw';
      readonly beta1?: number;
      readonly beta2?: number;
      readonly epsilon?: number;
    };

/** Quantities that change from step to step, fed as scalars. */
interface StepScalars {
  readonly learningRate: Value;
  /** 1 in the first step. */
  readonly step: Value;
}

export interface Regularization {
  /** L2: added to the gradient for SGD and Adam, decoupled from it for AdamW (Loshchilov & Hutter 2019). */
  readonly weightDecay?: number;
  /** L1: weight · sign(w) added to the gradient. */
  readonly l1?: number;
}

/** Names of the tensors, shaped like the weight and zero at first, that the optimiser keeps for each weight. */
export function slotsOf(spec: OptimizerSpec): readonly string[] {
  if (spec.kind === 'sgd') return spec.momentum ? ['momentum'] : [];
  return ['first_moment', 'second_moment'];
}

/** The update of one weight. @returns the new weight, then the new slots in the order of `slotsOf` */
type Update = (
  regularization: Regularization,
  weight: Value,
  gradient: Value,
  slots: readonly Value[],
) => Value[];

/** The update of every weight; what all of them share is emitted once, here. */
export function updateRule(e: Emitter, spec: OptimizerSpec, scalars: StepScalars): Update {
  const move = spec.kind === 'sgd' ? sgd(e, spec, scalars) : adam(e, spec, scalars);
  const kept = new Map<number, Value>();
  /** The share of a weight that decoupled decay leaves. */
  const rest = (decay: number): Value => {
    const known = kept.get(decay) ?? e.op('Sub', [1, e.op('Mul', [scalars.learningRate, decay])]);
    kept.set(decay, known);
    return known;
  };
  return ({ weightDecay = 0, l1 = 0 }, weight, gradient, slots) => {
    const decoupled = spec.kind === 'adamw';
    let g = gradient;
    if (weightDecay > 0 && !decoupled) g = e.op('Add', [g, e.op('Mul', [weight, weightDecay])]);
    if (l1 > 0) g = e.op('Add', [g, e.op('Mul', [e.op('Sign', [weight]), l1])]);
    const base = weightDecay > 0 && decoupled ? e.op('Mul', [weight, rest(weightDecay)]) : weight;
    return move(base, g, slots);
  };
}

type Move = (weight: Value, g: Value, slots: readonly Value[]) => Value[];

function sgd(
  e: Emitter,
  { momentum, nesterov }: { readonly momentum?: number; readonly nesterov?: boolean },
  { learningRate }: StepScalars,
): Move {
  return (weight, g, [velocity]) => {
    const moved = (direction: Value) => e.op('Sub', [weight, e.op('Mul', [direction, learningRate])]);
    if (!velocity || !momentum) return [moved(g)];
    const next = e.op('Add', [e.op('Mul', [velocity, momentum]), g]);
    const direction = nesterov ? e.op('Add', [g, e.op('Mul', [next, momentum])]) : next;
    return [moved(direction), next];
  };
}

/** Kingma & Ba 2015, algorithm 1, bias correction folded into the step size and ε scaled along. The corrections are
 *  computed in float64: 1 − 0.999 has lost four digits in float32. */
function adam(
  e: Emitter,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: { beta1?: number; beta2?: number; epsilon?: number },
  { learningRate, step }: StepScalars,
): Move {
  const steps = e.op('Cast', [step], { to: dtypes.float64.code });
  const left = (beta: number) => {
    const rest = e.op('Sub', [e.scalar(1, 'float64'), e.op('Pow', [e.scalar(beta, 'float64'), steps])]);
    return e.op('Cast', [rest], { to: dtypes.float32.code });
  };
  const root2 = e.op('Sqrt', [left(beta2)]);
  const rate = e.op('Div', [e.op('Mul', [learningRate, root2]), left(beta1)]);
  const least = e.op('Mul', [root2, epsilon]);
  return (weight, g, slots) => {
    const [m, v] = slots as [Value, Value];
    const next1 = e.op('Add', [e.op('Mul', [m, beta1]), e.op('Mul', [g, 1 - beta1])]);
    const next2 = e.op('Add', [e.op('Mul', [v, beta2]), e.op('Mul', [e.op('Mul', [g, g]), 1 - beta2])]);
    const size = e.op('Add', [e.op('Sqrt', [next2]), least]);
    return [e.op('Sub', [weight, e.op('Mul', [e.op('Div', [next1, size]), rate])]), next1, next2];
  };
}
