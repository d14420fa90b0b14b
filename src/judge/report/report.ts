/** The one value that says all that happened. Terminal, JSON, Markdown and HTML are views of it.
 *  null means "not measured" or "not applicable" everywhere; it is never written as zero. */
import { z } from 'zod';
import { measureSchema, metricSchema } from '../task/measure.ts';
import { taskSchema } from '../task/task.ts';
import { accountSchema } from './account.ts';
import { confusionSchema } from './confusion.ts';
import { probeSchema } from './probe.ts';
import { searchSchema } from './search.ts';
import { trainingSchema } from './training.ts';

/** `type` as people read it: "float32 [N,3,224,224]". */
const port = z.object({ name: z.string(), type: z.string() });

export const modelFactsSchema = z.object({
  file: z.string(),
  sha256: z.string(),
  sizeBytes: z.number(),
  gzipBytes: z.number().nullable(),
  brotliBytes: z.number().nullable(),
  /** Brotli's quality, 11 being the best that static hosts serve; absent in older reports. */
  brotliQuality: z.number().optional(),
  /** Elements of all weights. */
  parameters: z.number(),
  /** Multiply–accumulates of a run; null when shapes don't allow it. */
  macs: z.number().nullable(),
  /** What was taken as 1 for it: open sizes by name, and whether sizes that depend on data are among them. Absent where none was,
   *  and in older reports. */
  macsAssumed: z.object({ sizes: z.array(z.string()), onData: z.boolean() }).optional(),
  nodes: z.number(),
  opset: z.number(),
  producer: z.string(),
  inputs: z.array(port),
  outputs: z.array(port),
  /** Weight bytes by element type. */
  weightBytes: z.record(z.string(), z.number()),
  /** Count of nodes by op type. */
  ops: z.record(z.string(), z.number()),
});

export const latencySchema = z.object({
  model: z.enum(['before', 'after']),
  device: z.string(),
  provider: z.string(),
  runtime: z.string(),
  threads: z.number(),
  /** Session configuration that was in force, such as session.disable_quant_qdq=1. */
  config: z.record(z.string(), z.string()),
  warmup: z.number(),
  repetitions: z.number(),
  medianMs: z.number(),
  p90Ms: z.number(),
  minMs: z.number(),
  createMs: z.number(),
  firstRunMs: z.number(),
  /** Every repetition, in order. */
  samplesMs: z.array(z.number()),
  /** Run alternately with the other model: the i-th run of each are neighbours. */
  byTurns: z.boolean().optional(),
  emulated: z.boolean(),
});

export const layerSchema = z.object({
  /** Name of the node in the optimised model, or of its first output where it has none. */
  name: z.string(),
  opType: z.string(),
  /** 'int8' computes in int8; 'int8-dynamic' too, activation ranges found at run time; 'int8-weights' stores int8, computes
   *  float; 'q4' stores 4 bits a weight with a scale a block; 'float16' stores float16, and computes in it if `reason` is null. */
  precision: z.enum(['float', 'int8', 'int8-dynamic', 'int8-weights', 'q4', 'float16']),
  /** What weights are stored in where that is narrower than `precision` says. */
  weights: z.literal('int4').optional(),
  weightBytesBefore: z.number(),
  weightBytesAfter: z.number(),
  macs: z.number().nullable(),
  sqnrDb: z.number().nullable(),
  cosine: z.number().nullable(),
  /** Why it was left in float, or left out of int8 compute; null when it was not. */
  reason: z.string().nullable(),
});

export const reportSchema = z.object({
  schema: z.literal('edgepress/report@1'),
  tool: z.object({ name: z.literal('edgepress'), version: z.string() }),
  createdAt: z.string(),
  command: z.string(),
  /** The configuration file that completed the command, and which of its fields did; absent where there was none. */
  config: z.object({ file: z.string(), used: z.array(z.string()), unused: z.array(z.string()) }).optional(),
  environment: z.object({
    os: z.string(),
    cpu: z.string(),
    cores: z.number(),
    memoryBytes: z.number(),
    node: z.string(),
    runtimes: z.record(z.string(), z.string()),
  }),
  verdict: z.object({
    level: z.enum(['good', 'warn', 'bad']),
    headline: z.string(),
    /** Bad news first, in plain words. */
    warnings: z.array(z.object({ level: z.enum(['warn', 'bad']), text: z.string() })),
  }),
  source: modelFactsSchema,
  result: modelFactsSchema,
  /** What the model is for, and what shows it. Absent in older reports. */
  task: taskSchema.optional(),
  target: z.object({
    name: z.string(),
    runtime: z.string(),
    /** Bytes of the runtime that a page loads beside the model. */
    runtimeBrotliBytes: z.number().nullable(),
    /** Session configuration that the result wants, such as session.disable_quant_qdq=1. */
    sessionConfig: z.record(z.string(), z.string()),
  }),
  precision: z.object({
    mode: z.enum(['static', 'dynamic', 'weight-only', 'float16', 'q4', 'none']),
    summary: z.string(),
    /** Ways to quantise that were tried on samples that calibrated, and how near outputs stayed with each. Absent where there was nothing
     *  to choose or to try it on, and in older reports. */
    trials: z
      .array(
        z.object({
          pass: z.string(),
          taken: z.string(),
          /** Signal to noise of the outputs, the mean over outputs; null: not finite. */
          candidates: z.array(z.object({ name: z.string(), sqnrDb: z.number().nullable() })),
          samples: z.number(),
        }),
      )
      .optional(),
    /** What was tried first, and lost too much on the probe, or on samples that calibrated it. */
    instead: z
      .object({
        mode: z.enum(['dynamic', 'static']),
        measure: z.string(),
        /** Hundredths of the measure that were lost; of perplexity, of what the original has. null: its measure has no end. */
        points: z.number().nullable(),
        /** What was measured, where points can't be lost of it. */
        is: measureSchema.pick({ unit: true }).extend({ value: z.number() }).optional(),
        samples: z.number(),
      })
      .optional(),
    /** Computing in int8 was given up since it takes so many times as long as in floats, on the machine that the report is of. */
    slower: z.number().optional(),
    /** Layers that compute in float again, since with all of them in int8 more was lost than --max-drop allows: on samples that
     *  nothing is compared on. Absent where that was not needed. */
    restored: z
      .object({
        measure: z.string(),
        /** Lost with all layers in int8. */
        points: z.number(),
        /** Neighbouring layers, the most damaging first. */
        groups: z.array(
          z.object({
            layers: z.array(z.string()),
            /** Of the answers, where these alone compute in int8; null: something isn't finite then. */
            sqnrDb: z.number().nullable(),
            restored: z.boolean(),
          }),
        ),
      })
      .optional(),
  }),
  data: z
    .object({
      source: z.string(),
      /** Data of its own that was compared on; null: a part of `source`. Absent in older reports. */
      test: z.string().nullable().optional(),
      kind: z.string(),
      calibrationSamples: z.number(),
      evaluationSamples: z.number(),
      /** Samples that pruning or training learnt from; those that calibrate may be among them. Absent where nothing learnt. */
      trainingSamples: z.number().optional(),
      labelled: z.boolean(),
      /** Why labels that were found beside the samples are not used. */
      labelsUnused: z.string().optional(),
      synthetic: z.boolean(),
      /** The spec of src/data/preprocess.ts; its `name` is the preset's name, a file's name or "custom". */
      preprocessing: z.record(z.string(), z.unknown()).nullable(),
      /** Whether preprocessing was guessed, since nobody named it. Absent in older reports. */
      preprocessingGuessed: z.boolean().optional(),
      /** How the guess was found to be the best of all presets, on samples that nothing was compared on: by labels (mean
       *  reciprocal rank of the right class), or by how well the model tells samples apart (nats). Absent where it wasn't tried. */
      preprocessingTrial: z
        .object({
          by: z.enum(['labels', 'outputs']),
          samples: z.number(),
          scores: z.array(z.object({ preprocessing: z.string(), score: z.number() })),
        })
        .optional(),
      /** Samples that were left out since they can't be read; absent where none were. */
      leftOut: z.array(z.string()).optional(),
      /** What was assumed rather than told, in plain words. */
      guessed: z.array(z.string()),
    })
    .nullable(),
  stages: z.array(
    z.object({
      name: z.string(),
      summary: z.string(),
      ms: z.number(),
      passes: z.array(
        z.object({
          name: z.string(),
          effect: z.enum(['exact', 'lossy', 'analysis']),
          changed: z.number(),
          skipped: z.number(),
          ms: z.number(),
        }),
      ),
    }),
  ),
  /** The model after each step (prune, distil …), the original first and the quantised result last; absent when there was
   *  no step but quantisation. */
  steps: z
    .array(
      z.object({
        name: z.string(),
        /** Of the file: as given, as it would be written after the step, as written. */
        sizeBytes: z.number(),
        parameters: z.number(),
        macs: z.number().nullable(),
        /** accuracy, or agreement with the original; a fraction. */
        metric: z.string().nullable(),
        value: z.number().nullable(),
        latencyMs: z.number().nullable(),
        /** What it has to say besides, such as why it ended early. */
        note: z.string().nullable().optional(),
      }),
    )
    .optional(),
  /** What was trained, in order; absent when nothing was. */
  training: z.array(trainingSchema).optional(),
  /** Every layer with weights or quantised inputs, in graph order. */
  layers: z.array(layerSchema),
  /** Absent in older reports. */
  account: accountSchema.optional(),
  /** What computes in floats in a .tflite file of integers, and the Transposes that it has. Absent where there is nothing to say. */
  inFile: z.array(z.string()).optional(),
  /** What passes could have acted on and did not. */
  skipped: z.array(z.object({ pass: z.string(), at: z.string(), reason: z.string() })),
  compare: z
    .object({
      samples: z.number(),
      runtime: z.string(),
      outputs: z.array(
        z.object({
          name: z.string(),
          sqnrDb: z.number().nullable(),
          cosine: z.number().nullable(),
          /** null when a difference is NaN or infinite. */
          maxAbsError: z.number().nullable(),
          /** Elements that are NaN or infinite in the result and finite in the original; absent means none. */
          nonFinite: z.number().optional(),
          /** Share of rows (last axis) whose largest element is at the same place; null where that makes no sense. */
          top1Agreement: z.number().nullable(),
        }),
      ),
      /** How near the result is at what the model is for, what stands for it first. Absent in older reports. */
      measures: z.array(measureSchema).optional(),
      disagreements: z.array(
        z.object({
          id: z.string(),
          /** What each of the two says, as people read it: a class name, or "class 17". */
          before: z.string(),
          after: z.string(),
          truth: z.string().nullable(),
          /** A small picture as a data URL (PNG, JPEG, WebP or GIF, base64); anything else is not shown. */
          picture: z.string().nullable(),
          /** What of both models is drawn on the picture, which shows what a model sees then; absent where nothing is. */
          drawn: z.enum(['boxes', 'mask']).optional(),
        }),
      ),
    })
    .nullable(),
  /** What `compare` and `evaluation` ran on where no samples were held back for it; absent where some were, or nothing ran. */
  probe: probeSchema.optional(),
  /** The loss that --max-drop bounds, in points, with its 95 % interval where it is known; absent where none was asked for. */
  budget: z
    .object({
      name: z.string(),
      allowed: z.number(),
      lost: z.number(),
      interval: z.tuple([z.number(), z.number()]).nullable(),
      samples: z.number(),
    })
    .optional(),
  evaluation: z
    .object({
      task: z.string(),
      samples: z.number(),
      /** Tokens that were predicted, of running text. */
      tokens: z.number().optional(),
      /** Classes that answers are of, where labels are. Absent in older reports. */
      classes: z.number().optional(),
      runtime: z.string(),
      /** What stands for the task first. */
      metrics: z.array(metricSchema),
      /** How often a class was taken for another, or for itself. Absent in older reports, and where none has labels. */
      confusionMatrix: confusionSchema.optional(),
    })
    .nullable(),
  latency: z.array(latencySchema),
  memory: z
    .object({
      beforePeakBytes: z.number().nullable(),
      afterPeakBytes: z.number().nullable(),
      how: z.string(),
    })
    .nullable(),
  /** Size against quality of everything that was tried, this result included. */
  variants: z.array(
    z.object({
      name: z.string(),
      sizeBytes: z.number(),
      brotliBytes: z.number().nullable(),
      metric: z.string().nullable(),
      value: z.number().nullable(),
      current: z.boolean(),
    }),
  ),
  recipe: z.unknown(),
  next: z.array(z.object({ command: z.string(), why: z.string() })),
  files: z.array(z.string()),
  /** Passes that spoil this model and were not run, and what happened with them, as part of a sentence; absent where there are none. */
  leftOut: z
    .array(z.object({ pass: z.string(), effect: z.enum(['exact', 'lossy', 'analysis']), reason: z.string() }))
    .optional(),
  /** What exporters had written of the machine and is not in the result: stack traces, source lines, absolute paths. Absent
   *  where there was none or it was kept. */
  stripped: z.object({ texts: z.number(), bytes: z.number() }).optional(),
  /** What in the written file isn't as it was asked for, in sentences; absent where all is. */
  remarks: z.array(z.string()).optional(),
  /** What a search tried before it chose this; absent where there was none. */
  search: searchSchema.optional(),
});

export type Report = z.infer<typeof reportSchema>;
export type ModelFacts = z.infer<typeof modelFactsSchema>;
export type Latency = z.infer<typeof latencySchema>;
export type Layer = z.infer<typeof layerSchema>;

/** What comparing two models on the same samples found. */
export interface PairResult {
  readonly compare: NonNullable<Report['compare']>;
  readonly evaluation: Report['evaluation'];
}

/** What measuring two models on the target found. */
export interface PairMeasurement {
  readonly latency: Latency[];
  readonly memory: NonNullable<Report['memory']>;
}
