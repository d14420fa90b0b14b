/** Loads a bundle that `compress bundle` made, in a web page or a worker.
 *  @example
 *  const model = await loadModel('/model/');
 *  const { logits } = await model.run({ image: video });
 *  @module edgepress-runtime */
import { type LoadedModel, type LoadOptions, loadHere } from './load.ts';
import type { ModelInputs, ModelOutputs } from './tensors.ts';

export type { CacheState } from './cache.ts';
export { EdgepressError, type ErrorCode } from './errors.ts';
export { type DeviceFacts, detectDevice } from './facts.ts';
export type { Progress } from './fetch.ts';
export type { ImageSource } from './image-source.ts';
export type { LiteRtSource, LoadedModel, LoadOptions, ModelInfo, TfjsSource } from './load.ts';
export type { OrtModule, OrtSource } from './ort.ts';
export {
  type Candidate,
  type OrtBundle,
  type Provider,
  type RuntimeBundle,
  selectCandidates,
} from './select.ts';
export type { Data, ModelInput, ModelInputs, ModelOutputs, OutputTensor, TensorLike } from './tensors.ts';

/** Chooses the variant that suits the device, downloads and verifies it, and makes it ready to run.
 *  @param url  the bundle's folder, or its edgepress.json; its files come from that folder only
 *  @throws EdgepressError: MANIFEST_INVALID, FETCH_FAILED, SHARD_MISSING, HASH_MISMATCH, NO_VARIANT,
 *    PROVIDER_FAILED, OPTION_INVALID, WORKER_FAILED, ABORTED */
export async function loadModel<Inputs = ModelInputs, Outputs = ModelOutputs>(
  url: string | URL,
  options: LoadOptions = {},
): Promise<LoadedModel<Inputs, Outputs>> {
  const load = options.worker ? (await import('./worker-client.ts')).loadInWorker : loadHere;
  const model = await load(url, options);
  return model as LoadedModel<unknown, unknown> as LoadedModel<Inputs, Outputs>;
}
