/** The JSON file of a TensorFlow.js model. Which kind it is follows from what is in it: `format` is missing in many.
 *  Source: tfjs-core src/io/types.ts. */
import { gunzipSync } from 'fflate';
import { z } from 'zod';
import { tfjsMalformed, tfjsWeightsOnly } from '../../../support/diagnostics/tfjs.ts';
import { mostJsonBytes, mostJsonValues } from './limits.ts';
import { manifestSchema, type WeightsManifest } from './manifest.ts';

export interface ModelJson {
  readonly kind: 'graph' | 'layers';
  /** A GraphDef, or a Keras model. */
  readonly topology: Readonly<Record<string, unknown>>;
  readonly manifest: WeightsManifest;
  /** That of the metadata before that of the file, as TensorFlow.js takes them. */
  readonly signature: unknown;
  /** A graph that fills hash tables, and what it hands out; undefined where there is none. */
  readonly initializer: unknown;
  readonly initializerSignature: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly generatedBy: string;
  readonly convertedBy: string;
}

const record = z.record(z.string(), z.unknown());

const fileSchema = z.object({
  modelTopology: z.union([record, z.string()]),
  weightsManifest: manifestSchema.nullish(),
  signature: z.unknown().optional(),
  modelInitializer: z.unknown().optional(),
  initializerSignature: z.unknown().optional(),
  userDefinedMetadata: record.nullish(),
  generatedBy: z.string().nullish(),
  convertedBy: z.string().nullish(),
});

/** Whether it is such a file, plain or compressed by gzip. */
export function isModelJson(bytes: Uint8Array): boolean {
  if (isGzip(bytes)) return hasKeys(head(bytes));
  return /^\s*[{[]/.test(text(bytes.subarray(0, 64))) && hasKeys(text(bytes.subarray(0, mostJsonBytes)));
}

const hasKeys = (json: string) =>
  /"(modelTopology|weightsManifest)"\s*:/.test(json) ||
  (/^\s*\[/.test(json) && /"paths"\s*:/.test(json) && /"weights"\s*:/.test(json));

/** @param file  how messages call it
 *  @throws TFJS_MALFORMED, TFJS_WEIGHTS_ONLY */
export function parseModelJson(bytes: Uint8Array, file: string): ModelJson {
  const json = parseJson(inflated(bytes, file), file);
  if (Array.isArray(json)) throw weightsOnly(json, file);
  const { modelTopology, weightsManifest } = (json ?? {}) as Record<string, unknown>;
  if (modelTopology == null && weightsManifest != null) throw weightsOnly(weightsManifest, file);
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) throw tfjsMalformed(file, firstIssue(parsed.error));
  const { data } = parsed;
  const nested = data.modelTopology;
  const topology = typeof nested === 'string' ? asRecord(parseJson(encode(nested), file), file) : nested;
  const metadata = data.userDefinedMetadata ?? {};
  return {
    kind: kindOf(topology, file),
    topology,
    manifest: data.weightsManifest ?? [],
    signature: metadata['signature'] ?? data.signature,
    initializer: data.modelInitializer ?? undefined,
    initializerSignature: data.initializerSignature ?? undefined,
    metadata,
    generatedBy: data.generatedBy ?? '',
    convertedBy: data.convertedBy ?? '',
  };
}

function kindOf(topology: Readonly<Record<string, unknown>>, file: string): ModelJson['kind'] {
  if ('node' in topology || 'library' in topology) return 'graph';
  if (['model_config', 'class_name', 'keras_version', 'config'].some((key) => key in topology))
    return 'layers';
  throw tfjsMalformed(
    file,
    'its modelTopology has neither the nodes of a graph nor the layers of a Keras model',
  );
}

const decoder = new TextDecoder();
const text = (bytes: Uint8Array) => decoder.decode(bytes);
const encode = (json: string) => new TextEncoder().encode(json);

/** Without a byte order mark, which the decoder drops. */
function parseJson(bytes: Uint8Array, file: string): unknown {
  if (bytes.length > mostJsonBytes) throw tooLong(bytes.length, file);
  if (hasMoreThan(mostJsonValues, bytes))
    throw tfjsMalformed(
      file,
      `its text has more than the ${mostJsonValues} values that were expected at most`,
    );
  try {
    return JSON.parse(text(bytes));
  } catch (cause) {
    throw tfjsMalformed(file, 'its text is not JSON', cause);
  }
}

/** Before anything is made of it. Commas and brackets within names count too; they are few. */
function hasMoreThan(most: number, bytes: Uint8Array): boolean {
  let marks = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x2c || byte === 0x5b || byte === 0x7b) marks++;
  }
  return marks > most;
}

const tooLong = (sizeBytes: number, file: string) =>
  tfjsMalformed(file, `its text has ${sizeBytes} bytes, where ${mostJsonBytes} at most were expected`);

const asRecord = (json: unknown, file: string) => {
  const parsed = record.safeParse(json);
  if (!parsed.success) throw tfjsMalformed(file, 'its modelTopology is not an object');
  return parsed.data;
};

/** The first thing that is wrong: "weightsManifest.0.paths: …". */
const firstIssue = (error: z.ZodError) => {
  const [issue] = error.issues;
  return `${issue!.path.join('.')}: ${issue!.message.replace(/^Invalid input: /, '')}`;
};

function weightsOnly(manifest: unknown, file: string) {
  const parsed = manifestSchema.safeParse(manifest);
  if (!parsed.success) return tfjsMalformed(file, 'it has neither a modelTopology nor a list of weights');
  const count = parsed.data.reduce((sum, group) => sum + group.weights.length, 0);
  return tfjsWeightsOnly(file, count, parsed.data[0]?.paths[0]);
}

const isGzip = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** Deflate makes at most 1032 bytes of one. */
const largestRatio = 1032;

function inflated(bytes: Uint8Array, file: string): Uint8Array {
  if (!isGzip(bytes)) return bytes;
  if (bytes.length < 18) throw tfjsMalformed(file, 'it is not a whole gzip file');
  const size = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4, 4).getUint32(0, true);
  if (size > bytes.length * largestRatio) throw tfjsMalformed(file, 'it is not a whole gzip file');
  if (size > mostJsonBytes) throw tooLong(size, file);
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw tfjsMalformed(file, 'it is not a whole gzip file', cause);
  }
}

/** The text of a gzip file; empty where it is none. */
function head(bytes: Uint8Array): string {
  try {
    return text(inflated(bytes, ''));
  } catch {
    return '';
  }
}
