/** LiteRT's own interpreter, where Python has it (pip install ai-edge-litert): the oracle for .tflite files. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeNpy, encodeNpy } from '../src/model/formats/npy.ts';
import type { Tensor } from '../src/model/ir/tensor.ts';

/** Runs a file's signature on arrays from a folder, and puts results beside them. Names of values may hold anything, so
 *  arrays are numbered. */
const program = `
import json, os, sys, numpy as np
from ai_edge_litert.interpreter import Interpreter
folder = sys.argv[1]
names = json.load(open(os.path.join(folder, 'names.json')))
interpreter = Interpreter(model_path=os.path.join(folder, 'model.tflite'), num_threads=1)
call = interpreter.get_signature_runner()
feeds = {name: np.load(os.path.join(folder, f'in{i}.npy')) for i, name in enumerate(names)}
results = call(**feeds)
for i, name in enumerate(results): np.save(os.path.join(folder, f'out{i}.npy'), results[name])
json.dump(list(results), open(os.path.join(folder, 'results.json'), 'w'))
`;

const python = process.env['EDGEPRESS_PYTHON'] ?? 'python3';

/** Whether LiteRT's interpreter is installed. */
export const hasLitert = spawnSync(python, ['-c', 'import ai_edge_litert.interpreter']).status === 0;

/** What a title says where it isn't. */
export const litertTitle = hasLitert
  ? 'in LiteRT'
  : 'in LiteRT (skipped: needs python3 with pip install ai-edge-litert)';

/** What a .tflite file computes: its outputs by the names of its signature. @throws LiteRT's own message */
export function runTflite(
  bytes: Uint8Array,
  feeds: Readonly<Record<string, Tensor>>,
): Record<string, Tensor> {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-litert-'));
  try {
    writeFileSync(join(folder, 'model.tflite'), bytes);
    writeFileSync(join(folder, 'names.json'), JSON.stringify(Object.keys(feeds)));
    Object.values(feeds).forEach((t, i) => void writeFileSync(join(folder, `in${i}.npy`), encodeNpy(t)));
    const { status, stderr } = spawnSync(python, ['-c', program, folder], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr.trim().split('\n').slice(-3).join('\n'));
    const names: string[] = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));
    return Object.fromEntries(
      names.map((name, i) => [name, decodeNpy(readFileSync(join(folder, `out${i}.npy`)))]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const eachProgram = `
import os, sys, numpy as np
from ai_edge_litert.interpreter import Interpreter
folder = sys.argv[1]
interpreter = Interpreter(model_path=os.path.join(folder, 'model.tflite'), num_threads=1)
call = interpreter.get_signature_runner()
samples = np.load(os.path.join(folder, 'samples.npy'))
(feed,) = call.get_input_details()
results = [call(**{feed: samples[i:i + 1]}) for i in range(len(samples))]
np.save(os.path.join(folder, 'result.npy'), np.concatenate([next(iter(r.values())) for r in results]))
`;

/** Runs a file of one input and one output on each sample of a batch. @returns the results, [N, …] */
export function runTfliteOnEach(bytes: Uint8Array, samples: Tensor): Tensor {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-litert-'));
  try {
    writeFileSync(join(folder, 'model.tflite'), bytes);
    writeFileSync(join(folder, 'samples.npy'), encodeNpy(samples));
    const { status, stderr } = spawnSync(python, ['-c', eachProgram, folder], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr.trim().split('\n').slice(-3).join('\n'));
    return decodeNpy(readFileSync(join(folder, 'result.npy')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
