/** Chooses an engine in Node; a page calls openWasmEngine. Runtimes are loaded on demand: importing this costs nothing. */

import { unknownEngine } from '../../support/diagnostics/engines.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import type { TargetName } from '../../support/target.ts';
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

/** The engine that stands for a target where none of its own runs here: WebGPU's is the native one. Phones and LiteRT multiply
 *  uint8 by int8 exactly, which the native engine on x86 without VNNI does not (sums of two products saturate in 16
 *  bits), and wasm does. */
export const engineOfTarget = (target: TargetName): EngineName =>
  target === 'node' || target === 'webgpu' ? 'node' : 'wasm';
