/** What devices send, strictly validated: nothing that isn't listed here, texts without control characters (they end
 *  up on a terminal), numbers that are finite. Pages import the types only. */
import { z } from 'zod';
import type { Against } from '../emit/manifest.ts';
import { messageLimits } from './limits.ts';

/** No control, direction or surrogate characters: a name must not be able to move the cursor. */
const text = (length: number) =>
  z
    .string()
    .min(1)
    .max(length)
    .regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u);
const ms = z.number().nonnegative().max(1e7);
const secret = z.string().max(100);

/** What a page can be measured on here; WebNN is not among them. */
export const providers = ['wasm', 'webgpu'] as const;

/** One variant on one provider with so many threads. */
export const runSchema = z.strictObject({
  variant: text(100),
  provider: z.enum(providers),
  threads: z.number().int().min(1).max(64),
});

export const deviceSchema = z.strictObject({
  /** "Pixel 7 · Android 14" */
  name: text(80),
  /** "Chrome 140.0" */
  host: text(60),
  userAgent: text(500),
  cores: z.number().int().min(1).max(4096).nullable(),
  memoryGb: z.number().positive().max(1e5).nullable(),
  screen: z.strictObject({
    width: z.number().int().nonnegative().max(1e5),
    height: z.number().int().nonnegative().max(1e5),
    ratio: z.number().positive().max(100),
  }),
  secureContext: z.boolean(),
  crossOriginIsolated: z.boolean(),
  /** The GPU that WebGPU would use, as the browser names it. */
  adapter: text(160).nullable(),
  shaderF16: z.boolean(),
  /** Driven by a program: an emulated phone or a test, not somebody's device. */
  automated: z.boolean(),
  /** What it can't do and why, in plain words. */
  notes: z.array(text(300)).max(8),
});

export const joinSchema = z.strictObject({
  token: secret,
  /** The session key from before a reload. */
  session: secret.nullable(),
  device: deviceSchema,
});

const outcomeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('measured'),
    /** "onnxruntime-web 1.30.0", "litertjs-core 2.5.3 (relaxed SIMD)" */
    runtime: text(120),
    downloadMs: ms,
    /** Compiling and starting the runtime itself. */
    compileMs: ms,
    createMs: ms,
    firstRunMs: ms,
    warmup: z.number().int().nonnegative().max(1000),
    peakBytes: z.number().int().positive().max(1e13).nullable(),
    /** Every counted repetition, in order. */
    samplesMs: z.array(ms).min(1).max(messageLimits.samples),
    /** Step of the browser's clock; times below it say nothing. */
    resolutionMs: ms,
  }),
  z.strictObject({ kind: z.literal('failed'), message: text(1000) }),
]);

export const messageSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('plan'),
    runs: z.array(runSchema).max(messageLimits.runs),
    /** What this device does not run, and why. */
    left: z
      .array(z.strictObject({ variant: text(100), what: text(60), reason: text(300) }))
      .max(messageLimits.runs),
  }),
  z.strictObject({ type: z.literal('start'), run: runSchema }),
  z.strictObject({ type: z.literal('result'), run: runSchema, outcome: outcomeSchema }),
  /** Runs at one place, all measured alone before, now by turns: the i-th sample of one is the neighbour of the others' i-th. */
  z.strictObject({
    type: z.literal('turns'),
    runs: z.array(runSchema).min(2).max(messageLimits.runs),
    samplesMs: z.array(z.array(ms).min(1).max(messageLimits.samples)).min(2).max(messageLimits.runs),
  }),
  z.strictObject({ type: z.literal('finish') }),
]);

export type Run = z.infer<typeof runSchema>;
export type WebProvider = Run['provider'];
export type DeviceFacts = z.infer<typeof deviceSchema>;
export type JoinRequest = z.infer<typeof joinSchema>;
export type Outcome = z.infer<typeof outcomeSchema>;
export type Measured = Extract<Outcome, { kind: 'measured' }>;
export type Message = z.infer<typeof messageSchema>;
export type Turns = Extract<Message, { type: 'turns' }>;
export type LeftOut = Extract<Message, { type: 'plan' }>['left'][number];

/** A run and what came of it; where it took turns, its samples are of then. */
export interface DoneRun {
  readonly run: Run;
  readonly outcome: Outcome;
  /** How it compares with the first of those that it took turns with. */
  readonly against?: Against | undefined;
}

/** What a device is told when it joins, or joins again after a reload. */
export interface JoinReply {
  readonly session: string;
  /** Number of the device, as the terminal shows it. */
  readonly id: number;
  readonly finished: boolean;
  readonly done: readonly DoneRun[];
  /** How often a run was begun, by its key, so that one that takes the page down is not tried for ever. */
  readonly starts: Readonly<Record<string, number>>;
  /** The parsed edgepress.json. */
  readonly manifest: unknown;
  /** "1.30.0", of the onnxruntime-web that is served. */
  readonly runtime: string;
}
