/** Layers that add, cut off or repeat cells.
 *  Source: keras src/layers/reshaping; tfjs-layers src/layers/convolutional.ts, padding.ts. */
import type { Value } from '../../../ir/model.ts';
import { multiply } from '../../../ops/dims.ts';
import { type Emitter, pad, resize, sizeOfAxis, slice } from '../../emit/index.ts';
import { channelsFirst, oneOf, pairs, sizes } from './config.ts';
import type { LayerCall, LayerTable } from './layer.ts';

/** The first of the spatial axes. */
const firstAxis = ({ config }: LayerCall) => (channelsFirst(config) ? 2 : 1);

const checkRank = ({ e, x, config }: LayerCall, rank: number) => {
  if (e.rank(x) !== rank + 2) config.fail(`its input has ${e.rank(x)} axes, not ${rank + 2}`);
};

const around = (rank: number) => {
  const ones = Array.from({ length: rank }, () => [1, 1] as const);
  return (call: LayerCall): Value => {
    checkRank(call, rank);
    const { e, x, config } = call;
    const padding = config.read('padding', pairs(rank), ones);
    const first = firstAxis(call);
    return pad(
      e,
      x,
      e.sizes(x).map((_, axis) => padding[axis - first] ?? ([0, 0] as const)),
    );
  };
};

const cropped = (rank: number) => {
  const zeros = Array.from({ length: rank }, () => [0, 0] as const);
  return (call: LayerCall): Value => {
    checkRank(call, rank);
    const { e, config } = call;
    const first = firstAxis(call);
    return config.read('cropping', pairs(rank), zeros).reduce((value, [before, after], i) => {
      const size = e.sizes(value)[first + i];
      if (typeof size === 'number' && before + after >= size)
        config.fail(`cropping takes ${before + after} of ${size} cells`);
      return before + after === 0 ? value : inner(e, value, first + i, before, after);
    }, call.x);
  };
};

const inner = (e: Emitter, x: Value, axis: number, before: number, after: number) =>
  slice(e, x, axis, before, after === 0 ? Number.MAX_SAFE_INTEGER : -after);

/** Each cell `size` times. */
const enlarged = (rank: number) => {
  const twos = Array.from({ length: rank }, () => 2);
  return (call: LayerCall): Value => {
    checkRank(call, rank);
    const { e, x, config } = call;
    const factors = config.read(['size', 'length'], sizes(rank), twos);
    const method = config.read('interpolation', oneOf('nearest', 'bilinear'), 'nearest');
    if (rank === 2) return resized(call, factors, method);
    const first = firstAxis(call);
    const scales = e.sizes(x).map((_, axis) => factors[axis - first] ?? 1);
    return repeated(e, x, scales);
  };
};

/** Bilinear as TensorFlow.js has it, cell 0 on cell 0; Keras 3 counts from the centres of cells. */
function resized(call: LayerCall, factors: readonly number[], method: 'nearest' | 'bilinear'): Value {
  const { e, x, config, keras3 } = call;
  const first = firstAxis(call);
  const known = factors.map((factor, i) => multiply(e.sizes(x)[first + i]!, factor));
  const size = known.every((d) => typeof d === 'number')
    ? e.integers(...(known as number[]))
    : e.emit('Mul', [e.emit('Shape', [x], { start: first, end: first + 2 }), e.integers(...factors)]);
  const options = { method, channelsFirst: channelsFirst(config) };
  return resize(
    e,
    x,
    size,
    method === 'bilinear' && keras3 ? { ...options, halfPixelCenters: true } : options,
  );
}

/** Nearest neighbours along any axes: an axis of copies behind each, then both in one. */
function repeated(e: Emitter, x: Value, scales: readonly number[]): Value {
  return scales.reduce((value, scale, axis) => {
    if (scale === 1) return value;
    const copied = e.emit('Tile', [
      e.emit('Unsqueeze', [value, e.integers(axis + 1)]),
      e.integers(...e.sizes(value).flatMap((_, i) => (i === axis ? [1, scale] : [1]))),
    ]);
    const target = e
      .sizes(value)
      .map((_, i) =>
        i === axis ? e.emit('Mul', [sizeOfAxis(e, value, i), e.integers(scale)]) : sizeOfAxis(e, value, i),
      );
    return e.emit('Reshape', [copied, e.emit('Concat', target, { axis: 0 })]);
  }, x);
}

export const spatialLayers: LayerTable = Object.assign(
  {},
  ...[1, 2, 3].map((rank) => ({
    [`ZeroPadding${rank}D`]: { write: around(rank) },
    [`Cropping${rank}D`]: { write: cropped(rank) },
    [`UpSampling${rank}D`]: { write: enlarged(rank) },
  })),
);
