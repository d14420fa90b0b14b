/** A bundle in memory: the models cut into files, what a loader needs to know about them, and what helps to use them.
 *  The same input gives the same bytes: no clock, no machine, no path of the maker. */
import { bundleInvalid } from '../../support/diagnostics/bundle.ts';
import { sha256 } from '../../support/hash.ts';
import { type BundleFile, type Manifest, manifestSchema, type Part, type Variant } from './manifest.ts';
import type { ModelBytes } from './model-bytes.ts';
import { cutIntoShards, defaultShardBytes } from './shards.ts';

export interface BundleEntry {
  /** Relative to the bundle, with forward slashes. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What a variant's row says that does not follow from its bytes. */
type VariantInfo = Omit<Variant, 'parts' | 'bytes' | 'brotliBytes'>;

export interface BundleVariant extends VariantInfo {
  /** Path of the model file: "onnx/model_quantized.onnx". Its data lies beside it. */
  readonly file: string;
  readonly content: ModelBytes;
}

export type BundleInfo = Omit<Manifest, 'schema' | 'variants'>;

export interface Compressed {
  readonly gzipBytes: number;
  readonly brotli: Uint8Array;
}

export interface BuildOptions {
  /** Bytes a file may have at most. Default 20 MB; Infinity keeps files whole. */
  readonly shardBytes?: number | undefined;
  /** Sizes on the wire; null for files that are too large to tell them in reasonable time. */
  readonly compress: (bytes: Uint8Array) => Promise<Compressed | null>;
  /** Put `<file>.br` beside every model file that gets smaller by it. */
  readonly precompress?: boolean | undefined;
  /** Types, demo, header files: made from the manifest. */
  readonly extras?: ((manifest: Manifest) => readonly BundleEntry[]) | undefined;
  readonly onFile?: ((done: number, total: number) => void) | undefined;
}

export interface Bundle {
  readonly manifest: Manifest;
  /** In the order of their paths; edgepress.json comes last, so that whoever writes them in order ends with it. */
  readonly files: readonly BundleEntry[];
}

export const manifestName = 'edgepress.json';

/** @throws BUNDLE_INVALID (ours) when two files have one path or a path leads out of the bundle */
export async function buildBundle(
  info: BundleInfo,
  variants: readonly BundleVariant[],
  options: BuildOptions,
): Promise<Bundle> {
  const files: BundleEntry[] = [];
  const total = variants.reduce((n, v) => n + partsOf(v).length, 0);
  let done = 0;
  const rows: Variant[] = [];
  for (const variant of variants) {
    const parts: Part[] = [];
    for (const part of partsOf(variant)) {
      parts.push(await emitPart(part, options, files));
      options.onFile?.(++done, total);
    }
    rows.push(rowOf(variant, parts));
  }
  const manifest = checked({ schema: 'edgepress/bundle@1', ...info, variants: rows });
  const all = [...files, ...(options.extras?.(manifest) ?? [])].sort((a, b) => (a.path < b.path ? -1 : 1));
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  all.push({ path: manifestName, bytes: new TextEncoder().encode(text) });
  rejectClashes(all);
  return { manifest, files: all };
}

interface PartBytes {
  readonly name: string;
  readonly role: Part['role'];
  readonly path: string;
  readonly bytes: Uint8Array;
}

function partsOf({ file, content }: BundleVariant): PartBytes[] {
  const [folder, name] = split(file);
  const model: PartBytes = { name, role: 'model', path: file, bytes: content.model };
  const beside = content.data.map(({ location, bytes }): PartBytes => {
    return { name: location, role: 'data', path: `${folder}${location}`, bytes };
  });
  return [model, ...beside];
}

function split(path: string): [folder: string, name: string] {
  const at = path.lastIndexOf('/') + 1;
  return [path.slice(0, at), path.slice(at)];
}

async function emitPart(part: PartBytes, options: BuildOptions, into: BundleEntry[]): Promise<Part> {
  const files: BundleFile[] = [];
  for (const { path, bytes } of cutIntoShards(
    part.path,
    part.bytes,
    options.shardBytes ?? defaultShardBytes,
  )) {
    const wire = await options.compress(bytes);
    into.push({ path, bytes });
    if (options.precompress && wire && wire.brotli.length < bytes.length)
      into.push({ path: `${path}.br`, bytes: wire.brotli });
    files.push({
      path,
      bytes: bytes.length,
      gzipBytes: wire?.gzipBytes ?? null,
      brotliBytes: wire?.brotli.length ?? null,
      sha256: await sha256(bytes),
    });
  }
  const whole = files.length === 1 ? files[0]!.sha256 : await sha256(part.bytes);
  return { name: part.name, role: part.role, bytes: part.bytes.length, sha256: whole, files };
}

function rowOf({ file: _, content: __, ...info }: BundleVariant, parts: Part[]): Variant {
  const wire = parts.flatMap((p) => p.files.map((f) => f.brotliBytes));
  return {
    ...info,
    parts,
    bytes: parts.reduce((sum, p) => sum + p.bytes, 0),
    brotliBytes: wire.some((b) => b === null) ? null : wire.reduce<number>((sum, b) => sum + b!, 0),
  };
}

/** Keys in the schema's order, whatever the order in which they were given. */
function checked(manifest: unknown): Manifest {
  const parsed = manifestSchema.safeParse(manifest);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw bundleInvalid(`${issue.path.join('.')}: ${issue.message}`);
}

function rejectClashes(files: readonly BundleEntry[]): void {
  const seen = new Set<string>();
  for (const { path } of files) {
    // Some file systems take a and A for one name.
    const key = path.toLowerCase();
    if (seen.has(key)) throw bundleInvalid(`two files are called ${path}`);
    if (path.startsWith('/') || path.split(/[\\/]/).includes('..'))
      throw bundleInvalid(`${path} leads out of the bundle`);
    seen.add(key);
  }
}
