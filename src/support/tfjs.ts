/** A graph-model of TensorFlow.js and what runs it: start of the wasm backend, files to a graph, one run. Used in pages by
 *  the loader and by whatever measures.
 *  Source: tfjs-core/src/io/types.ts, tfjs-backend-wasm/src/backend_wasm.ts, tfjs-converter/src/executor/graph_model.ts. */

import { emptyRecord } from './own.ts';
import { asFloats, asIntegers, isFloat, type TypedNumbers, typed } from './typed-numbers.ts';

interface TfTensor {
  readonly shape: readonly number[];
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

type TfTensors = Readonly<Record<string, TfTensor>>;

/** The part of a GraphModel that we use. */
interface GraphModel {
  execute(inputs: TfTensors, outputs: string[]): TfTensor | TfTensor[];
  executeAsync(inputs: TfTensors, outputs: string[]): Promise<TfTensor | TfTensor[]>;
  dispose(): void;
}

/** What is used of tfjs-core, tfjs-converter and tfjs-backend-wasm. */
export interface Tfjs {
  readonly version_core: string;
  readonly env: () => { set(flag: string, value: boolean): void };
  readonly tensor: (
    values: Float32Array | Int32Array | Uint8Array,
    shape: number[],
    dtype: 'float32' | 'int32' | 'bool',
  ) => TfTensor;
  readonly setBackend: (name: string) => Promise<boolean>;
  readonly loadGraphModel: (handler: { load(): Promise<object> }) => Promise<GraphModel>;
  readonly setWasmPaths: (paths: string | Readonly<Record<string, string>>) => void;
  readonly setThreadsCount: (threads: number) => void;
}

export interface TfjsStart {
  readonly threads: number;
  /** Folder of the .wasm files, with a slash at its end, or the address of each by its name; undefined: beside the script. */
  readonly wasmPaths?: string | Readonly<Record<string, string>> | undefined;
}

/** Threads of each copy of TensorFlow.js: what its backend was started with stays. */
const started = new WeakMap<Tfjs['tensor'], Promise<number>>();

/** Fetches and compiles the wasm backend, once for each copy of TensorFlow.js.
 *  @returns the threads that it has: those of the first start
 *  @throws Error when it does not start */
export function startTfjs(tf: Tfjs, start: TfjsStart): Promise<number> {
  const begun = started.get(tf.tensor) ?? startWasm(tf, start);
  started.set(tf.tensor, begun);
  return begun;
}

async function startWasm(tf: Tfjs, { threads, wasmPaths }: TfjsStart): Promise<number> {
  if (wasmPaths !== undefined) tf.setWasmPaths(wasmPaths);
  // It would take the file with threads wherever the page may have them.
  if (threads === 1) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  tf.setThreadsCount(threads);
  if (!(await tf.setBackend('wasm'))) throw new Error('The wasm backend of TensorFlow.js does not start.');
  return threads;
}

export interface TfjsGraph {
  /** @throws Error: values that 32 bits don't hold, what TensorFlow.js throws */
  run(feeds: Readonly<Record<string, TypedNumbers>>): Promise<Record<string, TypedNumbers>>;
  release(): void;
}

interface ModelJson {
  readonly modelTopology: object;
  readonly weightsManifest: readonly { readonly paths: readonly string[]; readonly weights: object[] }[];
}

/** @param file  content of the model's files by name; `json` is that of its model.json
 *  @param outputs  what is fetched, in the types that ONNX has for them
 *  @throws Error when a file of weights is missing, or what TensorFlow.js throws */
export async function openGraph(
  tf: Tfjs,
  json: Uint8Array,
  file: (name: string) => Uint8Array | undefined,
  outputs: readonly { readonly name: string; readonly dtype: string }[],
): Promise<TfjsGraph> {
  const { weightsManifest, ...rest } = JSON.parse(new TextDecoder().decode(json)) as ModelJson;
  const weightSpecs = weightsManifest.flatMap((group) => group.weights);
  const weightData = weightsManifest
    .flatMap((group) => group.paths)
    .map((name) => wholeBuffer(file(name), name));
  const model = await tf.loadGraphModel({ load: async () => ({ ...rest, weightSpecs, weightData }) });
  const names = outputs.map((o) => o.name);
  let isDynamic = false;
  const execute = async (inputs: TfTensors) => {
    if (!isDynamic)
      try {
        return model.execute(inputs, names);
      } catch (error) {
        // Loops, and shapes that depend on data: TensorFlow.js says so when it meets them.
        if (!/executeAsync/.test(String(error))) throw error;
        isDynamic = true;
      }
    return model.executeAsync(inputs, names);
  };
  return {
    async run(feeds) {
      const inputs: Record<string, TfTensor> = emptyRecord();
      let made: TfTensor[] = [];
      try {
        for (const [name, feed] of Object.entries(feeds)) inputs[name] = toTf(tf, name, feed);
        made = [await execute(inputs)].flat();
        const entries = outputs.map(async ({ name, dtype }, i) => {
          const { shape } = made[i]!;
          return [name, typed(await made[i]!.data(), dtype, shape)] as const;
        });
        return Object.fromEntries(await Promise.all(entries));
      } finally {
        for (const tensor of [...Object.values(inputs), ...made]) tensor.dispose();
      }
    },
    release: () => model.dispose(),
  };
}

function wholeBuffer(bytes: Uint8Array | undefined, name: string): ArrayBufferLike {
  if (!bytes) throw new Error(`The file of weights "${name}" is not there.`);
  return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : new Uint8Array(bytes).buffer;
}

/** TensorFlow.js has float32, int32 and bool. */
function toTf(tf: Tfjs, name: string, { type, data, dims }: TypedNumbers): TfTensor {
  if (isFloat(type)) return tf.tensor(asFloats(data), [...dims], 'float32');
  if (type === 'bool') return tf.tensor(Uint8Array.from(data, Number), [...dims], 'bool');
  return tf.tensor(asIntegers(Int32Array, name, data), [...dims], 'int32');
}
