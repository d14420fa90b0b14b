/** Which variant on which provider, best first. Pure: device facts and manifest in, list out. */
import type { BundleMeasurement, Manifest, Variant } from '../ship/emit/manifest.ts';
import { browserOf, type DeviceFacts } from './facts.ts';

export type Provider = 'webgpu' | 'wasm' | 'webnn';
export type OrtBundle = 'onnxruntime-web/wasm' | 'onnxruntime-web/webgpu';
export type RuntimeBundle = OrtBundle | '@tensorflow/tfjs-backend-wasm' | '@litertjs/core';

export interface Candidate {
  readonly variant: Variant;
  readonly provider: Provider;
  readonly threads: number;
  readonly bundle: RuntimeBundle;
  /** Why it has its place, in plain words. */
  readonly reason: string;
}

export interface Wishes {
  /** Only this variant. */
  readonly variant?: string | undefined;
  /** Only this provider. */
  readonly provider?: Provider | undefined;
  readonly threads?: number | undefined;
  /** Where TensorFlow.js comes from; an address: a script that no bundler went over. */
  readonly tfjs?: unknown;
  /** Where LiteRT.js comes from, or its .wasm files. It looks nowhere by itself: without either its variants can't run. */
  readonly litert?: unknown;
  readonly litertWasmPaths?: unknown;
}

export interface Selection {
  readonly candidates: readonly Candidate[];
  /** What was asked for and can't run here, each with the reason. */
  readonly excluded: readonly { variant: string; provider: string; reason: string }[];
}

/** WebNN last: the bundle's parity was measured on the other two only. A measured profile can move it. */
const providerOrder: readonly Provider[] = ['webgpu', 'wasm', 'webnn'];

/** What each provider computes fastest, when nothing was measured. 'uint8', in none, goes before them: it is less to download
 *  and computes as float32 does; so do the half floats of TensorFlow.js, the only ones that are made for wasm. */
const precisionOrder: Readonly<Record<Provider, readonly Variant['precision'][]>> = {
  webgpu: ['float16', 'q4f16', 'q4', 'float32', 'int8'],
  wasm: ['int8', 'float16', 'float32', 'q4', 'q4f16'],
  webnn: ['float16', 'float32', 'int8', 'q4f16', 'q4'],
};

/** All that can run, best first. Order: a real GPU before wasm before a GPU that is emulated on the CPU; what is too
 *  large for the device last; variants of TensorFlow.js behind the others; those made for the provider before those that
 *  merely run on it; then the precision. Of the same precision, LiteRT's goes before onnxruntime's on wasm, where nothing
 *  was measured: in one page by turns its int8 took 0.28 to 0.41 of the time of onnxruntime-web's on five CNNs, its plain-SIMD
 *  build 0.55 to 0.68 on two, its float 0.65 to 0.77 of float's, and there are no more bytes to download. On a GPU it
 *  stands behind, as nothing was compared there. Where a device like this one was measured, the measured medians decide
 *  among what they cover; of those that are as fast as the fastest, the one with the smallest first visit goes first. */
export function selectCandidates(manifest: Manifest, device: DeviceFacts, wishes: Wishes = {}): Selection {
  const excluded: { variant: string; provider: string; reason: string }[] = [];
  const fits: Candidate[] = [];
  for (const variant of manifest.variants)
    for (const provider of variant.providers) {
      if (provider === 'cpu') continue;
      const unwanted =
        (wishes.variant ?? variant.name) !== variant.name || (wishes.provider ?? provider) !== provider;
      if (unwanted) continue;
      const reason = whyNot(variant, provider, device, wishes);
      if (reason) excluded.push({ variant: variant.name, provider, reason });
      else fits.push(candidate(variant, provider, device, wishes));
    }
  const lacking = excluded.find((e) => e.provider !== 'webnn')?.reason;
  // Equals stay in the order of the manifest.
  const explained = fits
    .sort((a, b) => compareRanks(rankOf(a, device), rankOf(b, device)))
    .map((c) => ({ ...c, reason: explain(c, device, wishes, lacking) }));
  return { candidates: byMeasurement(explained, device), excluded };
}

/** Why a variant can't run on a provider here; null when it can. */
function whyNot(variant: Variant, provider: Provider, device: DeviceFacts, wishes: Wishes): string | null {
  if (variant.format === 'litert' && !wishes.litert && !wishes.litertWasmPaths)
    return 'no address of LiteRT.js: pass `litert`';
  const needs = new Set<string>([...variant.requires, provider]);
  if (needs.has('webgpu') && !device.webgpu) return 'no WebGPU adapter';
  if (needs.has('shader-f16') && !device.webgpu?.shaderF16) return 'the GPU has no shader-f16';
  if (needs.has('webnn') && !device.webnn) return 'no WebNN';
  if (needs.has('threads') && !device.isolated) return 'no threads: the page is not cross-origin isolated';
  if (!device.wasmSimd) return 'no WebAssembly SIMD';
  return null;
}

function candidate(
  variant: Variant,
  provider: Provider,
  device: DeviceFacts,
  { threads, tfjs }: Wishes,
): Candidate {
  const named = variant.providers[0] === provider && variant.runtime?.bundle;
  const small = provider === 'wasm' && named !== 'onnxruntime-web/webgpu';
  const ort = small ? 'onnxruntime-web/wasm' : 'onnxruntime-web/webgpu';
  const isTfjs = variant.format === 'tfjs';
  // Its threads run the text of a function that names a variable outside of it: minified, that start never ends.
  // Source: tfjs-backend-wasm/README.md, "JS Minification".
  const fitting = isTfjs && typeof tfjs !== 'string' ? 1 : threadsFor(device);
  return {
    variant,
    provider,
    threads: device.isolated && provider === 'wasm' ? (threads ?? fitting) : 1,
    bundle: isTfjs ? '@tensorflow/tfjs-backend-wasm' : variant.format === 'litert' ? '@litertjs/core' : ort,
    reason: '',
  };
}

/** Half the logical cores, both of two, at most 4: more gain little on phones, whose other cores are slow. */
const threadsFor = ({ hardwareConcurrency: cores }: DeviceFacts) =>
  Math.max(1, Math.min(4, cores > 2 ? Math.ceil(cores / 2) : cores));

function rankOf({ variant, provider }: Candidate, device: DeviceFacts): readonly number[] {
  const software = provider === 'webgpu' && device.webgpu?.software;
  return [
    tooLarge(variant, provider, device) ? 1 : 0,
    software ? providerOrder.length : providerOrder.indexOf(provider),
    variant.format === 'tfjs' ? 1 : 0,
    variant.providers[0] === provider ? 0 : 1,
    precisionOrder[provider].indexOf(variant.precision),
    (variant.format === 'litert') === (provider === 'wasm') ? 0 : 1,
  ];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [i, x] of a.entries()) if (x !== b[i]) return x - b[i]!;
  return 0;
}

/** Loading holds the file, the runtime's copy of it and its working form at once: three times the bytes, of
 *  which a page gets about half of the memory; and wasm ends at 4 GB. */
function tooLarge(variant: Variant, provider: Provider, device: DeviceFacts): boolean {
  const memory = (device.deviceMemoryGb ?? 8) * 2 ** 30;
  const limit = Math.min(memory / 6, 2 ** 31);
  const gpu = provider === 'webgpu' ? (device.webgpu?.maxBufferBytes ?? 0) * 4 : Number.POSITIVE_INFINITY;
  return variant.bytes > Math.min(limit, gpu);
}

function explain(
  { variant, provider }: Candidate,
  device: DeviceFacts,
  wishes: Wishes,
  lacking: string | undefined,
): string {
  if (wishes.variant || wishes.provider) return 'asked for';
  if (provider === 'webgpu') return device.webgpu?.software ? 'the GPU is software' : 'WebGPU adapter';
  if (variant.format === 'litert') return `${variant.precision} is faster on LiteRT.js`;
  if (lacking) return lacking;
  if (device.webgpu?.software) return 'the GPU is software, slower than wasm';
  return variant.providers[0] === provider ? `made for ${provider}` : `runs on ${provider}`;
}

/** Of one device: the least median of each candidate. */
type Group = Map<Candidate, BundleMeasurement>;

const emulated = (group: Group) => Number([...group.values()][0]!.emulated);

const median = (m: BundleMeasurement | undefined) => m?.medianMs ?? Number.POSITIVE_INFINITY;

/** Measured candidates among themselves in the order of their medians; the others keep their places. A real device counts before
 *  one that is emulated, whatever was measured there. */
function byMeasurement(ranked: readonly Candidate[], device: DeviceFacts): readonly Candidate[] {
  const groups = new Map<string, Group>();
  for (const c of ranked)
    for (const m of c.variant.measured) {
      const threads = c.provider !== 'wasm' || m.threads > 1 === c.threads > 1;
      if (m.provider !== c.provider || !threads || !isLike(m, device)) continue;
      const key = JSON.stringify([m.device, m.host.replace(/[\d.]+/g, ''), m.emulated]);
      const group: Group = groups.get(key) ?? new Map();
      groups.set(key, group);
      if (median(m) < median(group.get(c))) group.set(c, m);
    }
  const group = [...groups.values()]
    .filter(({ size }) => size > 1)
    .sort((a, b) => emulated(a) - emulated(b) || b.size - a.size)[0];
  if (!group) return ranked;
  const timed = [...group].sort((a, b) => median(a[1]) - median(b[1]));
  const sorted = smallFirst(timed, ` as measured on ${timed[0]![1].device}`);
  return ranked.map((c) => (group.has(c) ? sorted.shift()! : c));
}

/** More than what one measurement differs from the next by. */
const margin = 1.1;

/** The smallest first visit goes first among those that are as fast as the fastest, within the margin.
 *  @param sorted  the fastest first */
function smallFirst(sorted: readonly [Candidate, BundleMeasurement][], measured: string): Candidate[] {
  const [fastest, m] = sorted[0]!;
  const all = sorted.map(([c]) => ({ ...c, reason: `fastest${measured}` }));
  const small = sorted
    .filter(([, its]) => median(its) <= margin * median(m))
    .map(([c]) => c)
    .reduce((a, b) => (visitMb(b) < visitMb(a) ? b : a));
  if (small === fastest) return all;
  return [
    {
      ...small,
      reason: `${visitMb(small).toFixed(2)} MB to download, not ${visitMb(fastest).toFixed(2)}, and as fast${measured}`,
    },
    ...all.filter((_, i) => sorted[i]![0] !== small),
  ];
}

/** Model and runtime on the wire; endless where that is not known. */
const visitMb = ({ variant: { bytes, brotliBytes, runtime } }: Candidate) =>
  ((brotliBytes ?? bytes) + (runtime?.brotliBytes ?? Number.POSITIVE_INFINITY)) / 1e6;

/** The same kind of browser, phone or not, and where a GPU took part, the same adapter. */
const isLike = ({ host, device: name, adapter }: BundleMeasurement, device: DeviceFacts) =>
  browserOf(host) === device.browser &&
  /phone|mobile|android|ios|tablet|pixel|galaxy|ipad/i.test(name) === device.mobile &&
  (adapter === null || adapter === device.webgpu?.adapter);
