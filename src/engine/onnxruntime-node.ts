/** The native engine: onnxruntime-node, an optional dependency. Node only; loaded when first asked for. */
import { engineMissing } from '../support/diagnostics.ts';
import { createEngine, type Runtime } from './adapter.ts';
import type { Engine } from './contract.ts';

/** @throws ENGINE_MISSING when the package is not there or its library doesn't load on this machine */
export async function openNodeEngine(): Promise<Engine> {
  const runtime = await load();
  // Read once, when the first session is created: warnings of the library go to the process's stderr otherwise.
  runtime.env.logLevel = 'fatal';
  const version = runtime.env.versions.node ?? runtime.env.versions.common;
  return createEngine({
    name: 'node',
    title: `onnxruntime-node ${version}`,
    version,
    runtime,
    provider: 'cpu',
  });
}

async function load(): Promise<Runtime> {
  try {
    const module: Runtime & { default?: Runtime } = await import('onnxruntime-node');
    return module.default ?? module;
  } catch (error) {
    const absent = /Cannot find (package|module) 'onnxruntime-node'/.test(String(error));
    const reason = absent ? 'is not installed' : `does not load here (${firstLine(error)})`;
    throw engineMissing('The native engine', 'onnxruntime-node', reason, error);
  }
}

const firstLine = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
