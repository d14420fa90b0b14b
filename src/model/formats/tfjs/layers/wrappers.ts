/** TimeDistributed: a layer on each step of a sequence.
 *  Source: tfjs-layers src/layers/wrappers.ts. */
import type { Value } from '../../../ir/model.ts';
import type { LayerCall, LayerTable } from './layer.ts';
import { mergeTime, splitTime } from './time-axis.ts';
import { layerSchema } from './topology.ts';

/** x [batch, time, …] → [batch, time, …]. */
function eachStep({ e, x, config, inner }: LayerCall): Value {
  if (e.rank(x) < 3) config.fail(`its input has ${e.rank(x)} axes, not 3 or more`);
  const [y, ...others] = inner(config.read('layer', layerSchema), [mergeTime(e, x)]);
  if (others.length > 0) config.fail(`its layer has ${others.length + 1} outputs`);
  return splitTime(e, y!, x);
}

export const wrapperLayers: LayerTable = { TimeDistributed: { mask: 'keep', write: eachStep } };
