/** The bundle's table of contents: what a loader needs to choose a variant, fetch it, check it and feed it.
 *  Written as edgepress.json at the root of the bundle; paths are relative to it, with forward slashes. */
import { z } from 'zod';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Relative, inside the bundle: no '..', no leading slash, no scheme. */
const relativePath = z.string().regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$))(?!.*\\)(?![a-zA-Z][a-zA-Z0-9+.-]*:).+$/);

export const fileSchema = z.strictObject({
  path: relativePath,
  bytes: z.number().int().nonnegative(),
  gzipBytes: z.number().int().nullable(),
  brotliBytes: z.number().int().nullable(),
  sha256,
});

/** A model file or one external-data file, in one piece or in shards to be joined in order. */
const partSchema = z.strictObject({
  /** Name under which the runtime knows it: the model's file name, or the location that the model gives its data. */
  name: z.string(),
  role: z.enum(['model', 'data']),
  bytes: z.number().int().nonnegative(),
  sha256,
  files: z.array(fileSchema).min(1),
});

const number = z.number().nullable();

/** How a variant's runs compare with those of another one that took turns with it. */
export const againstSchema = z.strictObject({
  variant: z.string(),
  /** The other one's time divided by this one's, the median over neighbouring runs; above 1, this one is faster. */
  ratio: z.number(),
  /** 95 % interval of the ratio. */
  interval: z.tuple([z.number(), z.number()]),
  /** 'unclear': runs differ so much among themselves that nothing can be said. */
  change: z.enum(['faster', 'same', 'slower', 'unclear']),
});

export const measurementSchema = z.strictObject({
  device: z.string(),
  /** Browser and version, or "node 20.19.1". */
  host: z.string(),
  provider: z.string(),
  threads: z.number().int(),
  runtime: z.string(),
  adapter: z.string().nullable(),
  emulated: z.boolean(),
  downloadMs: number,
  /** Compiling and starting the runtime, its bytes being there. */
  compileMs: number.optional(),
  createMs: number,
  firstRunMs: number,
  warmup: z.number().int(),
  repetitions: z.number().int(),
  medianMs: number,
  p90Ms: number,
  peakBytes: number,
  /** Samples a second by batch size. */
  throughput: z.record(z.string(), z.number()).optional(),
  /** Against the float variant, or the first, where the two ran by turns; absent of that one itself. */
  against: againstSchema.optional(),
  measuredAt: z.string(),
});

export const parity = z.strictObject({
  runtime: z.string(),
  samples: z.number().int(),
  /** Worst output; null when nothing differs. */
  sqnrDb: number,
  cosine: number,
  top1Agreement: number,
  /** What stands for the model's task, where that isn't the largest score: "mean IoU". */
  measure: z
    .strictObject({
      name: z.string(),
      value: z.number(),
      unit: z.enum(['fraction', 'index', 'dB', 'own', 'nats', 'number']),
    })
    .optional(),
});

export const variantSchema = z.strictObject({
  /** 'wasm-int8', 'webgpu-fp16', 'webgpu-q4', 'float' …: unique in the bundle. */
  name: z.string(),
  /** 'uint8': weights in 8 bits, everything computed in float32. */
  precision: z.enum(['float32', 'float16', 'int8', 'q4', 'q4f16', 'uint8']),
  /** Execution providers that it is made for, best first. */
  providers: z.array(z.enum(['webgpu', 'webnn', 'wasm', 'cpu'])).min(1),
  /** 'tfjs': a graph-model of TensorFlow.js, model.json and its weights. 'litert': a .tflite file of the model's own names and
   *  layouts, each size a number, float32, int32 or uint8 at its edges. Their runtimes are others than onnxruntime. */
  format: z.enum(['onnx', 'ort', 'tfjs', 'litert']),
  parts: z.array(partSchema).min(1),
  /** Bytes of all parts. */
  bytes: z.number().int(),
  brotliBytes: z.number().int().nullable(),
  /** What the device must have: 'shader-f16', 'threads' … */
  requires: z.array(z.enum(['webgpu', 'shader-f16', 'webnn', 'threads'])),
  /** onnxruntime session configuration entries. */
  sessionConfig: z.record(z.string(), z.string()),
  /** Smallest build of onnxruntime-web, backend of TensorFlow.js or LiteRT.js that runs it, and what a page loads for it. */
  runtime: z.strictObject({ bundle: z.string(), brotliBytes: z.number().int().nullable() }).nullable(),
  /** Agreement with the original on each runtime that it was run on. */
  parity: z.array(parity),
  accuracy: z
    .strictObject({
      metric: z.string(),
      value: z.number(),
      original: z.number().nullable(),
      samples: z.number().int(),
    })
    .nullable(),
  measured: z.array(measurementSchema),
});

const portSchema = z.strictObject({
  name: z.string(),
  dtype: z.string(),
  /** Numbers, symbols, or null for unknown sizes; null when even the rank is. */
  shape: z.array(z.union([z.number(), z.string(), z.null()])).nullable(),
});

export const manifestSchema = z.strictObject({
  schema: z.literal('edgepress/bundle@1'),
  name: z.string(),
  inputs: z.array(portSchema),
  outputs: z.array(portSchema),
  /** The spec of src/data/preprocess.ts for the image input, if there is one. */
  preprocessing: z.record(z.string(), z.unknown()).nullable(),
  labels: z.array(z.string()).nullable(),
  variants: z.array(variantSchema).min(1),
  licence: z.string().nullable(),
  provenance: z.strictObject({
    tool: z.string(),
    onnxruntime: z.string(),
    source: z.strictObject({ file: z.string(), bytes: z.number().int(), sha256 }),
    recipes: z.record(z.string(), z.unknown()),
    /** What variants were calibrated on and compared on. */
    data: z
      .strictObject({
        source: z.string(),
        calibrationSamples: z.number().int(),
        evaluationSamples: z.number().int(),
        /** What was compared on, where it is not part of `source`. */
        test: z.string().optional(),
        /** Seeded noise: agreement on it says little about real inputs. */
        synthetic: z.boolean(),
      })
      .optional(),
  }),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type Variant = z.infer<typeof variantSchema>;
export type Part = z.infer<typeof partSchema>;
export type BundleFile = z.infer<typeof fileSchema>;
export type Against = z.infer<typeof againstSchema>;
export type BundleMeasurement = z.infer<typeof measurementSchema>;
