/** The native engine: onnxruntime-node, an optional dependency. Node only; loaded when first asked for. */
import { decodeModel } from '../../model/formats/onnx/index.ts';
import { initializersOf } from '../../model/ir/walk.ts';
import { engineMissing } from '../../support/diagnostics/engines.ts';
import { createEngine, type Runtime } from './adapter.ts';
import type { Engine, ModelSource, SessionOptions } from './contract.ts';

/** @param provider  'webgpu' runs on the GPU what it has kernels for, the rest on the CPU
 *  @throws ENGINE_MISSING when the package is not there or its library doesn't load on this machine */
export async function openNodeEngine(provider: 'cpu' | 'webgpu' = 'cpu'): Promise<Engine> {
  const runtime = await loadNativeRuntime();
  const version = runtime.env.versions.node ?? runtime.env.versions.common;
  const engine = createEngine({
    name: 'node',
    title: `onnxruntime-node ${version}`,
    version,
    runtime,
    provider,
  });
  return {
    ...engine,
    open: async (model, options = {}) => engine.open(model, await withoutCrash(model, options)),
  };
}

/** onnxruntime 1.30 dies (no error, the process ends) over a Transpose of leading axes before a MatMul with a float16
 *  weight: the one it fuses into the product, the other it turns into float32 afterwards. */
export const crashingFusion = 'MatmulTransposeFusion';

async function withoutCrash(source: ModelSource, options: SessionOptions): Promise<SessionOptions> {
  const key = 'optimization.disable_specified_optimizers';
  if (options.optimization === 'none' || options.config?.[key] !== undefined || !(await holdsHalf(source)))
    return options;
  return { ...options, config: { ...options.config, [key]: crashingFusion } };
}

/** Whether a weight is in float16. */
export async function holdsHalf(source: ModelSource): Promise<boolean> {
  if (source.halfWeights !== undefined) return source.halfWeights;
  try {
    const bytes =
      'path' in source ? await (await import('node:fs/promises')).readFile(source.path) : source.bytes;
    for (const { value } of initializersOf(decodeModel(bytes)))
      if (value.constant?.dtype === 'float16') return true;
  } catch {
    // What can't be read here is for the runtime to judge, and to name.
  }
  return false;
}

/** onnxruntime 1.30 and later sends usage events to its maker (the model's file name among them) and keeps a queue in the
 *  user's cache folder, unless this variable says no when the library loads. Whoever set it decides for themselves. */
export function declineTelemetry(env: NodeJS.ProcessEnv): void {
  env['ORT_DISABLE_TELEMETRY'] ??= '1';
}

/** The library itself, for what a session contract doesn't cover (writing optimised models).
 *  @throws ENGINE_MISSING */
export async function loadNativeRuntime(): Promise<Runtime> {
  declineTelemetry(process.env);
  try {
    const module: Runtime & { default?: Runtime } = await import('onnxruntime-node');
    const runtime = module.default ?? module;
    // Read once, when the first session is created: warnings of the library go to the process's stderr otherwise.
    runtime.env.logLevel = 'fatal';
    return runtime;
  } catch (error) {
    const absent = /Cannot find (package|module) 'onnxruntime-node'/.test(String(error));
    const reason = absent ? 'is not installed' : `does not load here (${firstLine(error)})`;
    throw engineMissing('The native engine', 'onnxruntime-node', reason, error);
  }
}

const firstLine = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
