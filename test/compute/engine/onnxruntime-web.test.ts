import { describe, expect, it } from 'vitest';
import { buildKernel, openKernel } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';
import { engineContract } from './contract.ts';
import { runKernel } from './run-kernel.ts';

engineContract('onnxruntime-web', () => openEngine('wasm'));

describe('onnxruntime-web', () => {
  const identity = buildKernel((b) => b.output('y', b.input('x', 'float32', [1]), 'float32', [1]), 17);

  it('says that threads can not be changed once the runtime has started', async () => {
    const engine = await openEngine('wasm');
    await (await openKernel(engine, identity)).close();
    await expect(openKernel(engine, identity, { threads: 7 })).rejects.toMatchObject({
      code: 'ENGINE_THREADS',
    });
    await (await openKernel(engine, identity, { threads: 1 })).close();
  });

  it('speaks of memory when a tensor is larger than WebAssembly can address', async () => {
    const run = runKernel(
      await openEngine('wasm'),
      (b) => {
        const size = b.constant(tensorOf('int64', [1], [3_000_000_000]));
        b.output('y', b.op('Expand', [b.input('x', 'float32', [1]), size]), 'float32', ['n']);
      },
      { x: tensorOf('float32', [1], [1]) },
    );
    await expect(run).rejects.toMatchObject({
      code: 'ENGINE_RUN',
      kind: 'environment',
      message: expect.stringContaining('memory'),
    });
  });
});
