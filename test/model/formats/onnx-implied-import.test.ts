/** Nodes of ai.onnx in a file that doesn't import it: onnxruntime takes them for those of the newest version that it knows. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { compressModel, preset } from '../../../src/compress/compress.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { decodeModel, encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { opset } from '../../../src/model/ir/model.ts';
import { float32Values } from '../../../src/model/ir/tensor.ts';
import { normalTensor } from '../../run-model.ts';
import { floatTensor, info, modelBytes, node, parsed } from './onnx-bytes.ts';

const weight = {
  ...floatTensor(
    'w',
    Array.from({ length: 64 * 32 }, (_, i) => Math.sin(i * i)),
  ),
  dims: [64, 32],
};
/** Softmax went over all axes from 1 on before opset 13. */
const file = modelBytes(
  {
    input: [info('x', [2, 3, 64])],
    output: [info('y', [2, 3, 32])],
    initializer: [weight],
    node: [node('MatMul', ['x', 'w'], ['a']), node('Softmax', ['a'], ['y'])],
  },
  { opsetImport: [{ domain: 'ai.onnx.ml', version: 3 }] },
);

it('the reader goes by the version that onnxruntime goes by', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-'));
  try {
    const optimizedModelFilePath = path.join(folder, 'm.onnx');
    await InferenceSession.create(file, { optimizedModelFilePath, graphOptimizationLevel: 'disabled' });
    const imports = parsed(new Uint8Array(readFileSync(optimizedModelFilePath))).opsetImport;
    const version = imports.find(({ domain }) => !domain)!.version;
    expect(opset(decodeModel(file))).toBe(Number(version));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it.each(['clean', 'float16', 'int8-weights', 'int8-dynamic'] as const)(
  'preset %s serves it, near what onnxruntime answers to the file',
  async (name) => {
    const engine = await openEngine('node');
    const { model } = await compressModel(decodeModel(file), { recipe: preset(name), engine });
    const answers = [];
    for (const bytes of [file, encodeModel(model)]) {
      const session = await engine.open({ bytes }, { threads: 1 });
      answers.push(float32Values((await session.run({ x: normalTensor([2, 3, 64], 1) }))['y']!));
      await session.close();
    }
    const [before, after] = answers as [Float32Array, Float32Array];
    // Probabilities; a weight in eight bits is off by some thousandths of them.
    for (const [i, v] of before.entries()) expect(Math.abs(after[i]! - v)).toBeLessThan(0.05);
  },
);

it('imports stay as they are where no node needs another', () => {
  const others = modelBytes(
    { node: [node('Normalizer', ['x'], ['y'], { domain: 'ai.onnx.ml' })] },
    { opsetImport: [{ domain: 'ai.onnx.ml', version: 3 }] },
  );
  expect([...decodeModel(others).opsets]).toEqual([['ai.onnx.ml', 3]]);
});
