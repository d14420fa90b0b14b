/** Dense layers and those that only move elements.
 *  Source: keras src/layers/core, reshaping; tfjs-layers src/layers/core.ts, embeddings.ts. */
import { z } from 'zod';
import type { Value } from '../../../ir/model.ts';
import {
  cast,
  concat,
  matmul,
  reshape,
  sizeOfAxis,
  toChannelsLast,
  transpose,
  unsqueeze,
} from '../../emit/index.ts';
import { channelsFirst, count, flag, number, openSizes } from './config.ts';
import { activated, fixed, type LayerCall, type LayerTable } from './layer.ts';

/** x · kernel + bias over the last axis. A matrix, with constants, is one Gemm. */
function dense(call: LayerCall): Value {
  const { e, x, config } = call;
  const units = config.read('units', count);
  const inputs = fixed(call, e.sizes(x).at(-1), 'the size of its input');
  const kernel = call.weight('kernel', [inputs, units]);
  const bias = config.read('use_bias', flag, true) ? call.weight('bias', [units]) : null;
  const y =
    e.rank(x) === 2 ? e.emit('Gemm', [x, kernel, ...(bias ? [bias] : [])]) : matmul(e, x, kernel, { bias });
  return activated(call, y);
}

/** Row i of the table for each i. */
function embedding(call: LayerCall): Value {
  const { e, x, config } = call;
  const rows = config.read('input_dim', count);
  const table = call.weight('embeddings', [rows, config.read('output_dim', count)]);
  return e.emit('Gather', [table, cast(e, x, 'int32')], { axis: 0 });
}

/** Everything behind the batch in one axis, channels last in any case. */
function flatten({ e, x, config }: LayerCall): Value {
  if (e.rank(x) === 1) return unsqueeze(e, x, 1);
  const moved = channelsFirst(config) && e.rank(x) > 2 ? toChannelsLast(e, x) : x;
  return e.rank(x) === 2 ? x : e.emit('Flatten', [moved], { axis: 1 });
}

/** The batch stays; one size may follow from the others. */
function reshaped(call: LayerCall): Value {
  const { e, x, config } = call;
  const target = config.read('target_shape', openSizes).map((d) => (d === null || d < 0 ? -1 : d));
  if (target.filter((d) => d === -1).length > 1) config.fail('target_shape has two open sizes');
  const [batch, ...sizes] = e.sizes(x);
  const elements = sizes.reduce<number | null>(
    (product, d) => (product !== null && typeof d === 'number' ? product * d : null),
    1,
  );
  const rest = target.filter((d) => d !== -1).reduce((a, b) => a * b, 1);
  if (
    elements !== null &&
    (rest === 0 || elements % rest !== 0 || (!target.includes(-1) && elements !== rest))
  )
    config.fail(`target_shape is [${target}], which ${elements} elements don't fill`);
  if (!target.includes(-1)) return reshape(e, x, [-1, ...target]);
  if (elements !== null) return reshape(e, x, [-1, ...target.map((d) => (d === -1 ? elements / rest : d))]);
  if (typeof batch === 'number') return reshape(e, x, [batch, ...target]);
  return reshape(e, x, concat(e, [sizeOfAxis(e, x, 0), e.integers(...target)], 0));
}

function permuted({ e, x, config }: LayerCall): Value {
  const axes = config.read('dims', z.array(count));
  if (axes.length !== e.rank(x) - 1 || ![...axes].sort((a, b) => a - b).every((axis, i) => axis === i + 1))
    config.fail(`dims is [${axes}] for an input of ${e.rank(x)} axes`);
  return transpose(e, x, [0, ...axes]);
}

/** n copies along a new axis behind the batch. */
function repeated({ e, x, config }: LayerCall): Value {
  const n = config.read('n', count);
  return e.emit('Tile', [unsqueeze(e, x, 1), e.integers(1, n, 1)]);
}

/** Time steps in which an element isn't `mask_value`: bool [batch, time]. */
function countingSteps({ e, x, config }: LayerCall): Value {
  const ignored = e.scalar('float32', config.read('mask_value', number, 0));
  const differs = cast(e, e.emit('Not', [e.emit('Equal', [x, ignored])]), 'float32');
  return cast(e, e.emit('ReduceMax', [differs], { axes: [-1], keepdims: 0 }), 'bool');
}

/** Steps that don't count are 0. */
function masked(call: LayerCall): Value {
  const { e, x } = call;
  return e.emit('Mul', [x, unsqueeze(e, cast(e, countingSteps(call), 'float32'), -1)]);
}

export const coreLayers: LayerTable = {
  // Of networks in networks; that of the model itself is its input.
  InputLayer: { mask: 'keep', write: ({ x }) => x },
  Dense: { mask: 'keep', write: dense },
  Embedding: {
    write: embedding,
    mask: ({ e, x, config }) =>
      config.read('mask_zero', flag, false)
        ? e.emit('Not', [e.emit('Equal', [cast(e, x, 'int32'), e.scalar('int32', 0)])])
        : null,
  },
  Flatten: { write: flatten },
  Reshape: { write: reshaped },
  Permute: { write: permuted },
  RepeatVector: { write: repeated },
  Masking: { write: masked, mask: countingSteps },
};
