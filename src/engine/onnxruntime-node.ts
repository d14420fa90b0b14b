/** The native engine: onnxruntime-node, an optional dependency. Node only; loaded when first asked for. */
import { engineMissing } from '../support/diagnostics.ts';
import { createEngine, type Runtime } from './adapter.ts';
import type { Engine } from './contract.ts';

/** @throws ENGINE_MISSING when the package is not there or its library doesn't load on this machine */
export async function openNodeEngine(): Promise<Engine> {
  const runtime = await loadNativeRuntime();
  const version = runtime.env.versions.node ?? runtime.env.versions.common;
  return createEngine({
    name: 'node',
    title: `onnxruntime-node ${version}`,
    version,
    runtime,
    provider: 'cpu',
  });
}

/** The library itself, for what a session contract doesn't cover (writing optimised models).
 *  @throws ENGINE_MISSING */
export async function loadNativeRuntime(): Promise<Runtime> {
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
