import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { engineContract } from './contract.ts';

engineContract('onnxruntime-node', () => openEngine('node'));

describe('onnxruntime-node', () => {
  it('opens a file by path and says so when there is none', async () => {
    const engine = await openEngine('node');
    await expect(engine.open({ path: '/nowhere/model.onnx' })).rejects.toMatchObject({
      code: 'ENGINE_OPEN',
      message: expect.stringContaining('there is no file /nowhere/model.onnx'),
    });
  });
});
