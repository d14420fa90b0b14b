/** What a first visit costs a page: bytes on the wire, and where a phone's network is emulated, the time until the first result. */
import type { BundleMeasurement, Variant } from '../emit/manifest.ts';
import { isOther, otherBuilds } from './other-runtimes.ts';
import type { PhoneNetwork } from './presets.ts';
import { runtimeBrotliBytes } from './runtime-sizes.ts';

export interface Visit {
  /** Compressed, where it is known how small that is. */
  readonly modelBytes: number;
  readonly runtimeBytes: number;
  /** Null where the network is this machine's own. */
  readonly firstResultMs: number | null;
}

/** Model and runtime come over the network at once, after the time that an answer takes; the runtime starts, the model is opened
 *  and runs. Page, manifest and what they wait for are the app's.
 *  @param measured  of the model alone in a page */
export function visitOf(
  { format, bytes, brotliBytes }: Pick<Variant, 'format' | 'bytes' | 'brotliBytes'>,
  {
    provider,
    compileMs,
    createMs,
    firstRunMs,
  }: Pick<BundleMeasurement, 'provider' | 'compileMs' | 'createMs' | 'firstRunMs'>,
  network: PhoneNetwork | null,
): Visit {
  const ort = provider === 'webgpu' ? 'onnxruntime-web/webgpu' : 'onnxruntime-web/wasm';
  const runtimeBytes = runtimeBrotliBytes(isOther(format) ? otherBuilds[format] : ort);
  const modelBytes = brotliBytes ?? bytes;
  const wireMs = network
    ? network.latencyMs + (1000 * (modelBytes + runtimeBytes)) / network.downBytesPerSecond
    : null;
  const firstResultMs =
    wireMs === null ? null : wireMs + (compileMs ?? 0) + (createMs ?? 0) + (firstRunMs ?? 0);
  return { modelBytes, runtimeBytes, firstResultMs };
}
