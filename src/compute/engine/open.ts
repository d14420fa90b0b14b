/** Chooses an engine in Node; a page calls openWasmEngine. Runtimes are loaded on demand: importing this costs nothing. */

import { unknownEngine } from '../../support/diagnostics/engines.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import type { Engine, EngineName } from './contract.ts';

const engines: Readonly<Record<EngineName, () => Promise<Engine>>> = {
  node: async () => (await import('./onnxruntime-node.ts')).openNodeEngine(),
  wasm: async () => (await import('./onnxruntime-web.ts')).openWasmEngine(() => import('onnxruntime-web')),
};

/** The engine asked for, or by default the native one where it is installed and loads, else wasm.
 *  @example
 *  const engine = await openEngine('wasm');
 *  const session = await engine.open(bytes);
 *  const outputs = await session.run({ image });
 *  @throws ENGINE_MISSING with the npm command · UNKNOWN_ENGINE */
export async function openEngine(name?: EngineName): Promise<Engine> {
  if (name !== undefined) {
    if (!Object.hasOwn(engines, name)) throw unknownEngine(name, Object.keys(engines));
    return engines[name]();
  }
  try {
    return await engines.node();
  } catch (error) {
    if (error instanceof Diagnostic && error.code === 'ENGINE_MISSING') return engines.wasm();
    throw error;
  }
}

/** The engine whose kernels decide on the target. WebGPU and mobile runtimes are not run here. */
export const engineOfTarget = (target: 'wasm' | 'webgpu' | 'node' | 'mobile'): EngineName =>
  target === 'wasm' ? 'wasm' : 'node';
