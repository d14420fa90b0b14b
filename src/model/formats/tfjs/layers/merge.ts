/** Layers of several inputs.
 *  Source: keras src/layers/merging; tfjs-layers src/layers/merge.ts. */
import { z } from 'zod';
import type { Value } from '../../../ir/model.ts';
import { cast, concat, type Emitter, matched, transpose, unsqueeze } from '../../emit/index.ts';
import { flag, whole } from './config.ts';
import type { LayerCall, LayerTable } from './layer.ts';

/** Element by element, left to right. Inputs of fewer axes get axes of one cell behind the batch. */
const elementwise =
  (opType: string) =>
  ({ e, inputs, config }: LayerCall): Value => {
    if (inputs.length < 2) config.fail(`it is called with ${inputs.length} input`);
    const rank = Math.max(...inputs.map((v) => e.rank(v)));
    const grown = inputs.map((v) => {
      const missing = rank - e.rank(v);
      return missing === 0 ? v : unsqueeze(e, v, ...Array.from({ length: missing }, (_, i) => i + 1));
    });
    return grown.reduce((a, b) => e.emit(opType, matched(e, a, b)));
  };

const sum = elementwise('Add');

function mean(call: LayerCall): Value {
  const { e, inputs } = call;
  return e.emit('Mul', [cast(e, sum(call), 'float32'), e.scalar('float32', 1 / inputs.length)]);
}

/** Steps that count in all inputs. */
function stepsOfAll({ e, masks }: LayerCall): Value | null {
  const given = masks.filter((mask) => mask !== null);
  return given.length === 0 ? null : given.reduce((a, b) => e.emit('And', [a, b]));
}

const axisOf = ({ e, x, config }: LayerCall) => {
  const axis = config.read('axis', whole, -1);
  const at = axis < 0 ? axis + e.rank(x) : axis;
  return at >= 0 && at < e.rank(x) ? at : config.fail(`axis is ${axis} for an input of ${e.rank(x)} axes`);
};

function joined(call: LayerCall): Value {
  const { e, inputs, config } = call;
  if (inputs.length < 2) config.fail(`it is called with ${inputs.length} input`);
  const axis = axisOf(call);
  const rank = e.rank(inputs[0]!);
  const sizes = inputs.map((v) => e.sizes(v));
  const differs = (a: unknown, b: unknown) => typeof a === 'number' && typeof b === 'number' && a !== b;
  if (sizes.some((s) => s.length !== rank || s.some((d, i) => i !== axis && differs(d, sizes[0]![i]))))
    config.fail(`its inputs are ${sizes.map((s) => `[${s.join(',')}]`).join(' and ')}`);
  const whole = inputs.every((v) => e.dtype(v) === 'int32');
  return concat(
    e,
    inputs.map((v) => (whole ? v : cast(e, v, 'float32'))),
    axis,
  );
}

/** Joined along time as the inputs are; along any other axis a step has to count in all of them. */
function stepsOfJoined(call: LayerCall): Value | null {
  const { e, inputs, masks } = call;
  if (axisOf(call) !== 1 || masks.every((mask) => mask === null)) return stepsOfAll(call);
  return concat(
    e,
    masks.map((mask, i) => mask ?? allSteps(e, inputs[i]!)),
    1,
  );
}

const allSteps = (e: Emitter, x: Value): Value =>
  e.emit('Expand', [e.scalar('bool', 1), e.emit('Shape', [x], { start: 0, end: 2 })]);

/** Scalar products along one axis of each input, sample by sample. a, b [batch, …] of up to three axes. */
function dot(call: LayerCall): Value {
  const { e, inputs, config } = call;
  if (inputs.length !== 2) config.fail(`it is called with ${inputs.length} inputs, not 2`);
  const given = [config.read('axes', z.union([whole, z.array(whole).length(2)]))].flat();
  const sides = inputs.map((v, i) => {
    const rank = e.rank(v);
    const axis = given[i] ?? given[0]!;
    const at = axis < 0 ? axis + rank : axis;
    if (rank < 2 || rank > 3 || at < 1 || at >= rank)
      config.fail(`axes is [${given}] for inputs of ${rank} axes`);
    return { value: config.read('normalize', flag, false) ? normalized(e, v, at) : v, rank, at };
  });
  const [a, b] = sides as [Side, Side];
  const product = e.emit('MatMul', [rows(e, a), columns(e, b)]);
  const gone = [...(a.rank === 2 ? [1] : []), ...(b.rank === 2 ? [2] : [])];
  // Two vectors keep one axis for the product.
  const squeezed = gone.length === 2 ? [2] : gone;
  return squeezed.length === 0 ? product : e.emit('Squeeze', [product, e.integers(...squeezed)]);
}

interface Side {
  readonly value: Value;
  readonly rank: number;
  readonly at: number;
}

/** [batch, others, axis]. */
const rows = (e: Emitter, { value, rank, at }: Side) =>
  rank === 2 ? unsqueeze(e, value, 1) : at === 2 ? value : transpose(e, value, [0, 2, 1]);

/** [batch, axis, others]. */
const columns = (e: Emitter, { value, rank, at }: Side) =>
  rank === 2 ? unsqueeze(e, value, 2) : at === 1 ? value : transpose(e, value, [0, 2, 1]);

/** x / √max(Σx², ε) along an axis. */
function normalized(e: Emitter, x: Value, axis: number): Value {
  const square = e.emit('ReduceSumSquare', [x], { axes: [axis], keepdims: 1 });
  const bounded = e.emit('Max', [square, e.scalar('float32', 1e-7)]);
  return e.emit('Div', [x, e.emit('Sqrt', [bounded])]);
}

export const mergeLayers: LayerTable = {
  Add: { write: sum, mask: stepsOfAll },
  Subtract: { write: elementwise('Sub'), mask: stepsOfAll },
  Multiply: { write: elementwise('Mul'), mask: stepsOfAll },
  Average: { write: mean, mask: stepsOfAll },
  Maximum: { write: elementwise('Max'), mask: stepsOfAll },
  Minimum: { write: elementwise('Min'), mask: stepsOfAll },
  Concatenate: { write: joined, mask: stepsOfJoined },
  Dot: { write: dot },
};
