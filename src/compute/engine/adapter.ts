/** What both adapters share: onnxruntime-node and onnxruntime-web expose the same JavaScript interface. */
import type {
  Env,
  InferenceSession,
  InferenceSessionFactory,
  Tensor as OrtTensor,
  TensorConstructor,
} from 'onnxruntime-web';
import { isDType } from '../../model/ir/dtype.ts';
import type { Port } from '../../model/ir/port.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { engineOpen, engineRun, sessionClosed } from '../../support/diagnostics/engines.ts';
import { own } from '../../support/own.ts';
import type { Engine, EngineName, ModelSource, Session, SessionOptions } from './contract.ts';
import { checkFeeds, checkFetches } from './feeds.ts';
import { explain } from './reasons.ts';
import { fromOrt, toOrt } from './tensors.ts';

/** The part of onnxruntime's module that we use. */
export interface Runtime {
  readonly env: Env;
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor;
}

export interface Adapter {
  readonly name: EngineName;
  /** "onnxruntime-node 1.30.0", as messages name it. */
  readonly title: string;
  readonly version: string;
  readonly runtime: Runtime;
  /** Execution provider of every session; 'webgpu' is onnxruntime-web's, in a page. */
  readonly provider: 'cpu' | 'wasm' | 'webgpu';
  /** Called before each session is created; throws a diagnostic when the options can't be met. */
  prepare?(options: SessionOptions): void;
}

export function createEngine(adapter: Adapter): Engine {
  return {
    name: adapter.name,
    version: adapter.version,
    async open(model, options = {}) {
      adapter.prepare?.(options);
      const inner = await create(adapter, model, options).catch((error: unknown) => {
        const { text, kind, hint } = explain(error, adapter.name);
        throw engineOpen(adapter.title, text, kind, hint, error);
      });
      return wrap(adapter, inner);
    },
  };
}

function create(adapter: Adapter, model: ModelSource, options: SessionOptions): Promise<InferenceSession> {
  const settings = sessionSettings(adapter, model, options);
  const factory = adapter.runtime.InferenceSession;
  if ('path' in model && adapter.name === 'wasm')
    return Promise.reject(new Error('it takes the bytes of a model, not a path.'));
  return 'path' in model ? factory.create(model.path, settings) : factory.create(model.bytes, settings);
}

const levels = { none: 'disabled', basic: 'basic', extended: 'extended', all: 'all' } as const;

/** Fatal: onnxruntime throws what matters; its warnings would land in the user's terminal. */
const quiet = 4;

function sessionSettings(
  adapter: Adapter,
  model: ModelSource,
  options: SessionOptions,
): InferenceSession.SessionOptions {
  const externalData = 'bytes' in model ? model.externalData : undefined;
  return {
    executionProviders: [adapter.provider],
    graphOptimizationLevel: levels[options.optimization ?? 'all'],
    logSeverityLevel: quiet,
    ...(options.memoryPattern === undefined ? {} : { enableMemPattern: options.memoryPattern }),
    ...(options.threads && adapter.name === 'node' ? { intraOpNumThreads: options.threads } : {}),
    ...(externalData ? { externalData: [...externalData].map(([path, data]) => ({ path, data })) } : {}),
    extra: nest(options.config ?? {}),
  };
}

/** onnxruntime's JavaScript takes 'session.disable_quant_qdq' as { session: { disable_quant_qdq } }. */
export function nest(config: Readonly<Record<string, string>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) {
    const parts = key.split('.');
    const last = parts.pop() as string;
    let at = root;
    for (const part of parts) {
      at[part] ??= {};
      at = at[part] as Record<string, unknown>;
    }
    at[last] = value;
  }
  return root;
}

function wrap(adapter: Adapter, inner: InferenceSession): Session {
  const inputs = ports(adapter, inner.inputMetadata, 'input');
  const outputs = ports(adapter, inner.outputMetadata, 'output');
  const running = new Set<Promise<unknown>>();
  let closing: Promise<void> | undefined;

  const run = async (
    feeds: Readonly<Record<string, Tensor>>,
    wanted?: readonly string[],
    into: Readonly<Record<string, Tensor>> = {},
  ) => {
    checkFeeds(inputs, feeds);
    const names = wanted ?? outputs.map((o) => o.name);
    checkFetches(outputs, names);
    if (names.length === 0) return {};
    const fed = Object.fromEntries(
      Object.entries(feeds).map(([name, t]) => [name, toOrt(adapter.runtime.Tensor, name, t)]),
    );
    const fetched = await inner
      .run(fed, fetches(adapter, names, into), { logSeverityLevel: quiet })
      .catch((error: unknown) => {
        const { text, kind, hint } = explain(error, adapter.name);
        throw engineRun(adapter.title, text, kind, hint, error);
      });
    return Object.fromEntries(
      Object.entries(fetched).map(([name, t]) => [name, delivered(own(into, name), t)]),
    );
  };

  return {
    inputs,
    outputs,
    run(feeds, wanted, into) {
      if (closing) return Promise.reject(sessionClosed());
      const result = run(feeds, wanted, into);
      running.add(result);
      const done = () => running.delete(result);
      result.then(done, done);
      return result;
    },
    close() {
      closing ??= Promise.allSettled(running).then(() => inner.release());
      return closing;
    },
  };
}

/** The native runtime writes into memory that it is given; wasm has its own heap, from which outputs are copied. */
function fetches(adapter: Adapter, names: readonly string[], into: Readonly<Record<string, Tensor>>) {
  const given = (name: string) => {
    const t = own(into, name);
    return t && adapter.provider === 'cpu' ? toOrt(adapter.runtime.Tensor, name, t) : null;
  };
  return Object.fromEntries(names.map((name) => [name, given(name)]));
}

function delivered(into: Tensor | undefined, t: OrtTensor): Tensor {
  if (!into) return fromOrt(t);
  const [target, source] = [into.bytes(), fromOrt(t).bytes()];
  if (source.buffer !== target.buffer || source.byteOffset !== target.byteOffset) target.set(source);
  return into;
}

/** onnxruntime reports scalars and tensors of unknown rank alike, with no dimensions: shape null stands for both.
 *  Outputs that are not tensors (sequences, maps) are left out: JavaScript can't fetch them. So is one called "__proto__",
 *  which onnxruntime assigns to a plain object, where it is lost. */
function ports(
  adapter: Adapter,
  metadata: readonly InferenceSession.ValueMetadata[],
  side: 'input' | 'output',
): Port[] {
  return metadata.flatMap((m) => {
    if (side === 'output' && m.name === '__proto__') return [];
    if (m.isTensor && isDType(m.type)) {
      const shape = m.shape.map((d) => (isKnown(d) ? d : null));
      return [{ name: m.name, dtype: m.type, shape: shape.length > 0 ? shape : null }];
    }
    if (side === 'output') return [];
    throw engineOpen(
      adapter.title,
      `input "${m.name}" is not a tensor; onnxruntime's JavaScript feeds tensors only.`,
      'unsupported',
    );
  });
}

/** A dimension without name or number comes as '' natively and as −1, read as unsigned, from wasm. */
const isKnown = (dim: number | string) => dim !== '' && dim !== 0xffffffff && dim !== -1;
