/** What the measuring parent and its child say to each other. */
import type { EngineName, SessionOptions } from '../../compute/engine/contract.ts';
import type { PathSource } from '../../model/formats/opened.ts';
import { denseTensor, stringTensor, type Tensor } from '../../model/ir/tensor.ts';
import { Diagnostic, type DiagnosticKind, partsOf } from '../../support/diagnostics.ts';
import type { Measurement, MeasureOptions } from './measure.ts';
import type { Throughput, ThroughputRequest } from './throughput.ts';

export interface Subject extends PathSource {
  readonly options: SessionOptions;
}

export interface Task {
  readonly engine: EngineName;
  /** One is measured alone, several by turns. */
  readonly subjects: readonly [Subject, ...Subject[]];
  readonly feeds: readonly WireTensor[];
  readonly measure: Omit<MeasureOptions, 'signal'>;
  /** Afterwards, of one that is alone. */
  readonly throughput?: ThroughputRequest | undefined;
}

export interface WireTensor {
  readonly name: string;
  readonly dtype: Tensor['dtype'];
  readonly dims: readonly number[];
  readonly bytes?: Uint8Array;
  readonly strings?: readonly Uint8Array[];
}

export type Answer =
  | {
      readonly single: Measurement;
      readonly memory: MemoryPeak;
      /** Loading the runtime, up to the first answer of a one-node model. */
      readonly compileMs: number;
      readonly throughput?: Throughput | undefined;
    }
  /** In the order of the subjects. */
  | { readonly turns: readonly Measurement[] }
  | { readonly failed: Failure };

export interface MemoryPeak {
  /** native: largest resident size of the whole process, Node and runtime included; wasm: the WebAssembly memory. */
  readonly peakBytes: number;
  /** The same once the runtime was loaded and had run a one-node model, before this model was read. */
  readonly baselineBytes: number;
}

export interface Failure {
  readonly code: string;
  readonly kind: DiagnosticKind;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** An error on its way to the parent. */
export const failureOf = (error: unknown): Failure =>
  error instanceof Diagnostic
    ? partsOf(error)
    : {
        code: 'MEASURE_FAILED',
        kind: 'internal',
        message: error instanceof Error ? error.message : String(error),
      };

/** The same error in the parent. */
export const revive = ({ code, kind, message, hint }: Failure) => new Diagnostic(code, kind, message, hint);

export const toWire = (feeds: Readonly<Record<string, Tensor>>): WireTensor[] =>
  Object.entries(feeds).map(([name, t]) => ({
    name,
    dtype: t.dtype,
    dims: t.dims,
    ...(t.strings ? { strings: t.strings } : { bytes: t.bytes() }),
  }));

export const fromWire = (wire: readonly WireTensor[]): Record<string, Tensor> =>
  Object.fromEntries(
    wire.map(({ name, dtype, dims, bytes, strings }) => [
      name,
      strings ? stringTensor(dims, strings) : denseTensor(dtype, dims, bytes ?? new Uint8Array(), name),
    ]),
  );
