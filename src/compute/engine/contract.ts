/** What the toolchain asks of an inference engine. Adapters: onnxruntime-node, onnxruntime-web; one test suite. */

import type { ModelSource } from '../../model/formats/opened.ts';
import type { Port } from '../../model/ir/port.ts';
import type { Tensor } from '../../model/ir/tensor.ts';

export interface Engine {
  /** 'node' (native, onnxruntime-node) or 'wasm' (onnxruntime-web). */
  readonly name: EngineName;
  /** Version of the runtime, "1.30.0". */
  readonly version: string;
  /** @throws ENGINE_OPEN with the runtime's reason when it refuses the model */
  open(model: ModelSource, options?: SessionOptions): Promise<Session>;
}

export type EngineName = 'node' | 'wasm';

/** Bytes, or a file that the native engine opens itself (external data is found beside it); wasm refuses a path. */
export type { ModelSource };

export interface SessionOptions {
  /** 0 or absent: the engine's default for native, 1 for wasm. For wasm the first session of a process decides;
   *  other counts later are ENGINE_THREADS. */
  readonly threads?: number | undefined;
  /** 'all' by default; 'none' runs the graph as written (observers, kernels compared against rewrites). */
  readonly optimization?: 'none' | 'basic' | 'extended' | 'all';
  /** true by default: memory is planned as one block after the first run. false: taken as needed, so that the first run's
   *  does not stay beside the plan's. */
  readonly memoryPattern?: boolean;
  /** onnxruntime session configuration entries, such as { 'session.disable_quant_qdq': '1' }. */
  readonly config?: Readonly<Record<string, string>>;
}

export interface Session {
  readonly inputs: readonly Port[];
  /** Tensors only; sequences and maps can't be fetched from JavaScript. */
  readonly outputs: readonly Port[];
  /** Runs once. `outputs` names what to fetch (default all). Fed tensors are not kept; fetched ones are the caller's.
   *  @throws ENGINE_RUN with the runtime's reason; FEED_MISMATCH naming input, expected and received type or shape;
   *    MISSING_INPUT, UNKNOWN_OUTPUT, SESSION_CLOSED
   *  @param into  memory for outputs by name: their bytes are written there instead of into new tensors, and these
   *    tensors come back. None may be fed in the same run. */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    outputs?: readonly string[],
    into?: Readonly<Record<string, Tensor>>,
  ): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}
