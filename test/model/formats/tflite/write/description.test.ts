/** Names of classes and normalisation in written files: as our reader finds them, and as Python's zipfile does, which LiteRT's
 *  own tools use. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openModelBytes } from '../../../../../src/model/formats/opened.ts';
import { writeTflite } from '../../../../../src/model/formats/tflite/write/write.ts';
import { labelsOf, preprocessingOf, setLabels, setPreprocessing } from '../../../../../src/model/ir/card.ts';
import { addInitializer, addNode, setInput } from '../../../../../src/model/ir/edit.ts';
import { scalar, tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { withIoTypes } from '../../../../../src/model/rewrite/io-types.ts';
import { hasLitert, litertTitle, runTflite } from '../../../../litert.ts';
import { modelOf } from '../../tfjs/write/cases.ts';
import { withoutOwnEntries } from '../without-own.ts';

/** Scores of three classes from a picture [1, 4, 5, 3]. */
function described() {
  const x = tensorOf('float32', [1, 4, 5, 3], new Float32Array(60));
  const axes = tensorOf('int64', [2], [1, 2]);
  const model = modelOf({ name: 'scores', op: 'ReduceMean', x, rest: [axes], attributes: { keepdims: 0 } });
  setLabels(model, ['cat', 'dog', 'é']);
  setPreprocessing(model, { scale: 1 / 255, mean: [0.5, 0.25, 0], std: [0.5, 1, 2], channels: 'RGB' });
  return { model, x };
}

it('reads back the names of classes and the normalisation of pixels from 0 to 255', () => {
  const { model } = described();
  const bytes = writeTflite(model);
  expect(writeTflite(model)).toEqual(bytes);
  const read = openModelBytes(withoutOwnEntries(bytes), { name: 'model.tflite' }).model;
  expect(labelsOf(read)).toEqual(['cat', 'dog', 'é']);
  expect(preprocessingOf(read)).toMatchObject({
    mean: [127.5, 63.75, 0],
    std: [127.5, 255, 510],
    channels: 'RGB',
    resize: { size: { width: 5, height: 4 } },
  });
});

const hasPython = spawnSync('python3', ['-c', 'import zipfile']).status === 0;

it.skipIf(!hasPython)('has an archive that Python opens behind the model', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-labels-'));
  try {
    writeFileSync(join(folder, 'model.tflite'), writeTflite(described().model));
    const program = 'import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).read("labels.txt"))';
    const { stdout } = spawnSync('python3', ['-c', program, join(folder, 'model.tflite')], {
      encoding: 'utf8',
    });
    expect(stdout.trim()).toBe("b'cat\\ndog\\n\\xc3\\xa9\\n'");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it.skipIf(!hasLitert)(`runs ${litertTitle}`, () => {
  const { model, x } = described();
  expect(Object.values(runTflite(writeTflite(model), { x }))[0]!.dims).toEqual([1, 3]);
});

it('says of pictures in integers how they become the numbers that those stand for, as tflite-support does', () => {
  const { model } = described();
  const { graph } = model;
  const scales = { scale: 1 / 64, zeroPoint: 128 };
  // x is quantised at once: (x − 128)/64 in uint8.
  const [x] = graph.inputs;
  const readers = [...x!.uses];
  const pair = (['QuantizeLinear', 'DequantizeLinear'] as const).reduce((value, opType) => {
    const inputs = [
      value,
      addInitializer(graph, 'scale', scalar('float32', scales.scale)),
      addInitializer(graph, 'zero', scalar('uint8', scales.zeroPoint)),
    ];
    return addNode(graph, { opType, inputs }, graph.nodes.at(-1)).outputs[0]!;
  }, x!);
  for (const { node, index } of readers) setInput(node!, index, pair);
  const { model: typed } = withIoTypes(model, 'uint8');
  const spec = preprocessingOf(typed) as { readonly mean: number[]; readonly std: number[] };
  // A pixel of 127.5 is 0 in the first channel, and 0 is the code 128.
  expect((127.5 / 255 - spec.mean[0]!) / spec.std[0]!).toBeCloseTo(128, 6);
  const foreign = withoutOwnEntries(writeTflite(typed));
  const read = openModelBytes(foreign, { name: 'model.tflite' }).model;
  const { mean, std } = preprocessingOf(read) as typeof spec;
  spec.std.forEach((s, i) => {
    expect(std[i]!).toBeCloseTo(s * 255, 4);
    expect(mean[i]!).toBeCloseTo(spec.mean[i]! * 255, 3);
  });
});
