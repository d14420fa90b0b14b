/** The files of a bundle: variants, manifest, types, header files, a demo page. */
import path from 'node:path';
import {
  type Bundle,
  type BundleEntry,
  type BundleVariant,
  buildBundle,
  type Compressed,
} from '../ship/emit/bundle.ts';
import { demoFiles, type NamedFile } from '../ship/emit/demo.ts';
import { headerFiles } from '../ship/emit/headers.ts';
import type { Manifest } from '../ship/emit/manifest.ts';
import { totalBytes } from '../ship/emit/model-bytes.ts';
import { requiredOperators } from '../ship/emit/required-operators.ts';
import { transformersConfig } from '../ship/emit/transformers-config.ts';
import { typesFile } from '../ship/emit/typescript.ts';
import { otherRuntimeFiles } from '../ship/profile/other-files.ts';
import { isOther, type OtherFormat } from '../ship/profile/other-runtimes.ts';
import { bestBrotliQuality, brotliQualityFor, compressForTransfer } from '../ship/profile/transfer.ts';
import { runtimeNotBuilt } from '../support/diagnostics/bundle.ts';
import { formatBytes } from '../support/units.ts';
import { type JobRun, step } from './progress.ts';
import type { BundleRequest } from './requests/bundle.ts';
import { readOrtBuilds, readRuntimeBundle } from './runtime-bundle.ts';

type OtherRuntimes = Partial<Readonly<Record<OtherFormat, readonly NamedFile[]>>>;

/** Compressing more than this for a size figure takes longer than the figure is worth. */
const wireLimit = 256e6;

export interface EmitOptions extends Pick<BundleRequest, 'precompress' | 'transformersJs' | 'demo'> {
  /** Where the site serves the bundle, for the header files: "/model/". */
  readonly url: string;
  /** Bytes a file may have at most; Infinity keeps files whole. */
  readonly shardBytes: number;
}

export async function emit(
  info: Parameters<typeof buildBundle>[0],
  variants: readonly BundleVariant[],
  { precompress, shardBytes, transformersJs, url, demo }: EmitOptions,
  { signal, events }: JobRun,
): Promise<Bundle> {
  const others = demo ? await otherRuntimes(variants) : {};
  const sizes = variants.map((v) => totalBytes(v.content));
  // What is served as it lies is made once, as small as it gets; a figure need not take minutes.
  const quality = precompress ? bestBrotliQuality : brotliQualityFor(Math.max(...sizes));
  const compress = async (bytes: Uint8Array): Promise<Compressed | null> => {
    signal?.throwIfAborted();
    return bytes.length > wireLimit && !precompress ? null : compressForTransfer(bytes, quality);
  };
  const extras = (manifest: Manifest) => [
    typesFile(manifest),
    ...headerFiles(url, precompress),
    ...operatorsOf(variants),
    ...(demo ? demoOf(manifest, others) : []),
    ...(transformersJs === undefined ? [] : [transformersConfig(manifest, transformersJs)]),
  ];
  return step(
    events,
    'sizes',
    (onFile) =>
      // Loaders of other makers know nothing of pieces.
      buildBundle(info, variants, {
        ...{ compress, precompress, extras, onFile },
        shardBytes: transformersJs === undefined ? shardBytes : Number.POSITIVE_INFINITY,
      }),
    ({ manifest }) =>
      `${manifest.variants.length} variants, ${formatBytes(manifest.variants.reduce((n, v) => n + v.bytes, 0))}`,
  );
}

/** Files of the runtimes besides onnxruntime-web that the variants need. */
async function otherRuntimes(variants: readonly BundleVariant[]): Promise<OtherRuntimes> {
  const formats = new Set(variants.map((v) => v.format).filter(isOther));
  const entries = [...formats].map(async (format) => [format, await otherRuntimeFiles[format]()] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** What a reduced build of onnxruntime has to hold for the .ort files. */
function operatorsOf(variants: readonly BundleVariant[]): BundleEntry[] {
  const ort = variants.filter((v) => v.format === 'ort');
  if (ort.length === 0) return [];
  const names = ort.map((v) => path.posix.basename(v.file));
  const text = requiredOperators(
    ort.map((v) => v.content.model),
    names,
  );
  return [{ path: 'onnx/required_operators_and_types.config', bytes: new TextEncoder().encode(text) }];
}

/** Nothing where no variant is for pages. */
function demoOf(manifest: Manifest, others: OtherRuntimes): BundleEntry[] {
  const inPages = manifest.variants.flatMap(({ format, providers }) =>
    isOther(format) ? [] : providers.filter((p) => p === 'wasm' || p === 'webgpu'),
  );
  if (inPages.length + Object.keys(others).length === 0) return [];
  const runtime = readRuntimeBundle();
  if (!runtime) throw runtimeNotBuilt();
  const gpu = inPages.includes('webgpu') ? (['onnxruntime-web/webgpu'] as const) : [];
  const ort = inPages.length > 0 ? readOrtBuilds(['onnxruntime-web/wasm', ...gpu]) : [];
  return demoFiles(manifest, { runtime, ort, ...others });
}
