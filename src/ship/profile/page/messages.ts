/** What the measuring page is told and what it answers. */
import type { Failure, WireTensor } from '../isolated-messages.ts';
import type { Measurement, MeasureOptions } from '../measure.ts';
import type { Throughput, ThroughputRequest } from '../throughput.ts';

export type PageProvider = 'wasm' | 'webgpu';

/** A model as a page opens it. */
export interface PageModel {
  /** onnxruntime session configuration entries. */
  readonly config: Readonly<Record<string, string>>;
  readonly model: readonly PagePart[];
  /** For what another runtime than onnxruntime opens: which, where its files are, with a slash at the end, and the outputs in
   *  ONNX's types. */
  readonly other?: (OtherModel & { readonly url: string }) | undefined;
}

/** A graph-model of TensorFlow.js, or a .tflite file for LiteRT.js. */
export interface OtherModel {
  readonly runtime: 'tfjs' | 'litert';
  readonly outputs: readonly Output[];
}

export interface PageTask extends PageModel {
  readonly provider: PageProvider;
  readonly threads: number;
  /** The GPU must compute in float16. */
  readonly shaderF16?: boolean | undefined;
  /** Where onnxruntime-web's files are, with a slash at the end. */
  readonly runtimeUrl: string;
  /** Framed WireTensor[][]: the inputs of each run. */
  readonly feedsUrl: string;
  readonly work: PageWork;
}

export interface Output {
  readonly name: string;
  readonly dtype: string;
}

/** A model file, or data that it keeps in a file of its own; in shards to be joined in order. */
export interface PagePart {
  readonly name: string;
  readonly role: 'model' | 'data';
  readonly urls: readonly string[];
}

type PageWork =
  /** Run each feed once and hand back the outputs. */
  | { readonly kind: 'run' }
  /** Time the first feed. */
  | {
      readonly kind: 'measure';
      readonly options: Omit<MeasureOptions, 'signal'>;
      readonly throughput?: ThroughputRequest | undefined;
    }
  /** Time the first feed by turns: the task's own model and these, all open in the page at once. */
  | {
      readonly kind: 'turns';
      readonly options: Omit<MeasureOptions, 'signal'>;
      readonly others: readonly PageModel[];
    };

export interface PageEnvironment {
  /** "onnxruntime-web 1.30.0", "tfjs-backend-wasm 4.22.0", "litertjs-core 2.5.3 (relaxed SIMD)" */
  readonly runtime: string;
  readonly userAgent: string;
  /** GPU that WebGPU works on; null when it was not used. */
  readonly adapter: string | null;
  readonly isolated: boolean;
  readonly threads: number;
}

export interface PageMeasurement extends Measurement {
  /** Fetching all parts of the model. */
  readonly downloadMs: number;
  /** Compiling and starting the runtime: script, WebAssembly and GPU device, up to the first answer of a one-node model. Its
   *  bytes were fetched before. */
  readonly compileMs: number;
  /** Bytes that the page holds after the runs; null where the browser does not tell. WebAssembly memory never
   *  shrinks, so this is its peak; memory of the GPU is not in it. */
  readonly peakBytes: number | null;
  readonly throughput?: Throughput | undefined;
}

export type PageAnswer =
  | { readonly environment: PageEnvironment; readonly outputs: readonly (readonly WireTensor[])[] }
  | { readonly environment: PageEnvironment; readonly measurement: PageMeasurement }
  /** The task's own model first. */
  | { readonly environment: PageEnvironment; readonly turns: readonly Measurement[] }
  | { readonly failed: Failure };
