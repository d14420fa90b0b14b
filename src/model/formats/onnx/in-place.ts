/** A model for an engine in this process: the graph as bytes, its weights where they lie in memory, so that they are not copied to be handed
 *  over. */
import type { Model } from '../../ir/model.ts';
import type { Tensor } from '../../ir/tensor.ts';
import { initializersOf } from '../../ir/walk.ts';
import type { BytesSource } from '../opened.ts';
import { EMBEDDED_LIMIT, SMALLEST, weightBytes } from './external-plan.ts';
import { encodeModel } from './write.ts';

/** The memory of weights counts as files beside the model. It must not change while an engine opens it.
 *  @throws what encodeModel throws */
export function sourceInPlace(model: Model): BytesSource {
  const names = new Map<ArrayBufferLike, string>();
  const fits = weightBytes(model) <= EMBEDDED_LIMIT;
  // onnxruntime looks for those of a subgraph on disk alone.
  const inner = new Set(
    [...initializersOf(model)].flatMap(({ graph, value }) => (graph === model.graph ? [] : [value.constant])),
  );
  const place = (tensor: Tensor) => {
    // Others are read or computed when they are asked for, and not kept.
    if ((tensor.kind !== 'dense' || inner.has(tensor)) && fits) return undefined;
    const { buffer, byteOffset: offset, length } = tensor.bytes();
    if (length < SMALLEST) return undefined;
    const location = names.get(buffer) ?? `memory-${names.size}`;
    names.set(buffer, location);
    return { location, offset, length };
  };
  const bytes = encodeModel(model, { place });
  const externalData = new Map([...names].map(([buffer, name]) => [name, new Uint8Array(buffer)]));
  const halfWeights = [...initializersOf(model)].some(({ value }) => value.constant?.dtype === 'float16');
  return { bytes, externalData: externalData.size > 0 ? externalData : undefined, halfWeights };
}
