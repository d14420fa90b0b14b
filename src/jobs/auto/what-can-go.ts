/** Whether channels of a model can be removed at all. */
import { compressModel, preset } from '../../compress/compress.ts';
import { findChannelGroups } from '../../compress/prune/channel-groups.ts';
import { openEngine } from '../../compute/engine/open.ts';
import type { Stoppable } from '../../compute/engine/run-context.ts';
import type { Model } from '../../model/ir/model.ts';
import { macsOf } from '../model-steps.ts';

/** A group of fewer leaves nothing to choose. */
const fewest = 8;

export async function channelsCanGo(source: Model, { signal }: Stoppable): Promise<boolean> {
  const engine = await openEngine();
  const { model } = await compressModel(source, { recipe: preset('trainable'), engine, signal });
  const { groups } = findChannelGroups(model, {});
  return (macsOf(model) ?? 0) > 0 && groups.some(({ units }) => units.length >= fewest);
}
