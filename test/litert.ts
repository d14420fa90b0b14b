/** LiteRT's own interpreter, where Python has it (pip install ai-edge-litert): the oracle for .tflite files. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeNpy, encodeNpy } from '../src/model/formats/npy.ts';
import type { Tensor } from '../src/model/ir/tensor.ts';

/** Runs the signature of each folder's file on the arrays there, and puts results, or what went wrong, beside them. Names of
 *  values may hold anything, so arrays are numbered. */
const program = `
import json, os, sys, numpy as np
from ai_edge_litert.interpreter import Interpreter

def run(folder):
    names = json.load(open(os.path.join(folder, 'names.json')))
    interpreter = Interpreter(model_path=os.path.join(folder, 'model.tflite'), num_threads=1)
    call = interpreter.get_signature_runner()
    feeds = {name: np.load(os.path.join(folder, f'in{i}.npy')) for i, name in enumerate(names)}
    results = call(**feeds)
    for i, name in enumerate(results): np.save(os.path.join(folder, f'out{i}.npy'), results[name])
    return list(results)

for i in range(int(sys.argv[2]), int(sys.argv[3])):
    folder = os.path.join(sys.argv[1], str(i))
    try: answer = {'names': run(folder)}
    except Exception as error: answer = {'error': str(error)}
    json.dump(answer, open(os.path.join(folder, 'answer.json'), 'w'))
`;

const python = process.env['EDGEPRESS_PYTHON'] ?? 'python3';

/** Whether LiteRT's interpreter is installed. */
export const hasLitert = spawnSync(python, ['-c', 'import ai_edge_litert.interpreter']).status === 0;

/** What a title says where it isn't. */
export const litertTitle = hasLitert
  ? 'in LiteRT'
  : 'in LiteRT (skipped: needs python3 with pip install ai-edge-litert)';

export interface LitertCase {
  readonly bytes: Uint8Array;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

/** Outputs by the names of the signature; LiteRT's own message where it doesn't run. */
type LitertAnswer = Record<string, Tensor> | Error;

/** What .tflite files compute, in as few processes as LiteRT's crashes allow. */
export function runTfliteAll(cases: readonly LitertCase[]): LitertAnswer[] {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-litert-'));
  try {
    cases.forEach((one, i) => void lay(join(folder, `${i}`), one));
    const answers: LitertAnswer[] = [];
    while (answers.length < cases.length) {
      const { stderr } = spawnSync(python, ['-c', program, folder, `${answers.length}`, `${cases.length}`], {
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      });
      while (existsSync(join(folder, `${answers.length}`, 'answer.json')))
        answers.push(answerIn(join(folder, `${answers.length}`)));
      if (answers.length < cases.length) answers.push(new Error(`LiteRT crashed: ${stderr.slice(-500)}`));
    }
    return answers;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function lay(folder: string, { bytes, feeds }: LitertCase): void {
  mkdirSync(folder);
  writeFileSync(join(folder, 'model.tflite'), bytes);
  writeFileSync(join(folder, 'names.json'), JSON.stringify(Object.keys(feeds)));
  Object.values(feeds).forEach((t, i) => void writeFileSync(join(folder, `in${i}.npy`), encodeNpy(t)));
}

function answerIn(folder: string): LitertAnswer {
  const { names, error } = JSON.parse(readFileSync(join(folder, 'answer.json'), 'utf8'));
  if (error !== undefined) return new Error(error);
  const tensor = (i: number) => decodeNpy(readFileSync(join(folder, `out${i}.npy`)));
  return Object.fromEntries((names as string[]).map((name, i) => [name, tensor(i)]));
}

/** What one file computes. @throws LiteRT's own message */
export function runTflite(bytes: Uint8Array, feeds: LitertCase['feeds']): Record<string, Tensor> {
  const [answer] = runTfliteAll([{ bytes, feeds }]);
  if (answer instanceof Error) throw answer;
  return answer!;
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
