/** distill, finetune, and pruning with training and int8 in one command, as a user calls them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/compute/engine/open.ts';
import { reportJsonSchema } from '../../src/judge/report/json-schema.ts';
import type { Report } from '../../src/judge/report/report.ts';
import { createWorkspace, data, type Outcome, type Workspace } from './program.ts';

let w: Workspace;
beforeEach(() => {
  w = createWorkspace();
  w.copy('glyphs-mlp');
});
afterEach(() => w.remove());

const grey = data('glyphs-grey.npz');
const few = ['--evaluate', '60', '--no-measure'];
/** Commands to copy stay in one piece. */
const longest = (text: string) =>
  Math.max(...text.split('\n').map((line) => (line.includes(' compress ') ? 0 : line.length)));

async function succeeds(args: readonly string[]): Promise<Outcome> {
  const outcome = await w.run(args);
  expect(outcome.code, outcome.stderr).toBe(0);
  expect(longest(outcome.stdout)).toBeLessThanOrEqual(80);
  return outcome;
}

const readReport = (name: string) =>
  JSON.parse(readFileSync(w.path(`${name}.report.json`), 'utf8')) as Report;
const made = (name: string) =>
  ['onnx', 'report.html', 'report.json', 'report.md'].map((ending) => `${name}.${ending}`);

async function opens(name: string): Promise<void> {
  const engine = await openEngine('wasm');
  const session = await engine.open({ bytes: readFileSync(w.path(name)) });
  expect(session.outputs.length).toBeGreaterThan(0);
  await session.close();
}

describe('compress distill', () => {
  it('makes a narrower student, trains and quantises it, and says what came of each step', async () => {
    const args = [
      'distill',
      'glyphs-mlp.onnx',
      '--width',
      '0.5',
      '--data',
      grey,
      '--epochs',
      '3',
      '--int8',
      ...few,
    ];
    const { stdout, stderr } = await succeeds(args);
    expect(readdirSync(w.folder).sort()).toEqual(
      ['glyphs-mlp.onnx', ...made('glyphs-mlp.distilled.int8')].sort(),
    );
    expect(stderr).toMatch(/^ {2}student {5}50 % of every width · .* MACs/m);
    expect(stderr).toMatch(/^ {2}distil {6}epoch 3 of 3 · loss .* · accuracy [\d.]+ % held out/m);
    expect(stderr).toMatch(/^ {2}distil {6}accuracy [\d.]+ → [\d.]+ % · epoch \d of 3 kept · /m);
    expect(stdout).toMatch(/^ {2}step +file +parameters +MACs +accuracy/m);
    expect(stdout).toMatch(/^ {2}int8 +[\d.]+ kB/m);
    expect(stdout).toMatch(/trained +accuracy [\d.]+ → [\d.]+ % on \d+ held out/);
    // The labels are in the .npz.
    expect(stdout).not.toContain('--labels');
    const report = readReport('glyphs-mlp.distilled.int8');
    expect(report.steps?.map((s) => s.name)).toEqual(['original', 'student', 'distil', 'int8']);
    expect(report.training?.[0]).toMatchObject({ name: 'distil', losses: ['distillation', 'cross-entropy'] });
    expect(report.result.parameters).toBeLessThan(0.6 * report.source.parameters);
    expect(readFileSync(w.path('glyphs-mlp.distilled.int8.report.md'), 'utf8')).toContain('Step by step');
    expect(readFileSync(w.path('glyphs-mlp.distilled.int8.report.html'), 'utf8')).toContain('Step by step');
    await opens('glyphs-mlp.distilled.int8.onnx');
  });

  it('takes a student with fewer layers of a transformer, and needs no labels', async () => {
    w.copy('sequence-transformer');
    const args = ['distill', 'sequence-transformer.onnx', '--layers', '1', '--data', data('sentiment.npz')];
    const { stderr } = await succeeds([...args, '--epochs', '1', '--label-weight', '0', ...few]);
    expect(stderr).toContain('1 of 2 blocks');
    await opens('sequence-transformer.distilled.onnx');
  });

  it('takes another model as the student', async () => {
    w.copy('glyphs-mlp', 'small.onnx');
    const args = [
      'distill',
      'glyphs-mlp.onnx',
      '--student',
      'small.onnx',
      '--data',
      grey,
      '--epochs',
      '1',
      ...few,
    ];
    const { stdout } = await succeeds(args);
    // Nothing was to be quantised: being in float is no news.
    expect(stdout).not.toContain('kept in float');
    expect(stdout).not.toContain('Larger');
    expect(readReport('glyphs-mlp.distilled').variants.map((v) => v.name)).toEqual(['original', 'result']);
  });
});

describe('compress finetune', () => {
  it('trains on the labels and prints one JSON document that its schema allows', async () => {
    const args = ['finetune', 'glyphs-mlp.onnx', '--data', grey, '--epochs', '2', '--json', ...few];
    const { stdout, code } = await w.run(args);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as Report;
    const validate = new Ajv2020({ strict: false }).compile(reportJsonSchema());
    expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
    expect(report.steps?.map((s) => s.name)).toEqual(['original', 'finetune']);
    expect(report.training?.[0]).toMatchObject({ name: 'finetune', metric: 'accuracy', stopped: 'finished' });
    expect(report.training?.[0]?.epochs).toHaveLength(2);
    expect(report.layers.every((l) => l.reason === null)).toBe(true);
  });
});

describe('compress --macs --distill --int8', () => {
  it('prunes, trains and quantises in one command, and says why in that order', async () => {
    w.copy('glyphs-cnn');
    const args = [
      'glyphs-cnn.onnx',
      '--macs',
      '0.5',
      '--distill',
      '--int8',
      '--epochs',
      '1',
      '--data',
      data('glyphs'),
    ];
    const { stdout } = await succeeds([...args, '--evaluate', '100', '--no-measure']);
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'Pruned first, so that training repairs what pruning broke; int8 last, so that its scales fit the weights that are left.',
    );
    const { steps, result, source } = readReport('glyphs-cnn.pruned.trained.int8');
    expect(steps?.map((s) => s.name)).toEqual(['original', 'prune', 'distil', 'int8']);
    expect(result.sizeBytes).toBeLessThan(source.sizeBytes / 3);
    expect(result.macs).toBeLessThan(0.55 * (source.macs ?? 0));
    await opens('glyphs-cnn.pruned.trained.int8.onnx');
  });

  it('names the same command with more epochs where much is lost', async () => {
    w.copy('glyphs-cnn');
    const args = ['glyphs-cnn.onnx', '--macs', '0.3', '--no-reconstruct', '--distill', '--lr', '1e-6'];
    const { stdout } = await succeeds([...args, '--epochs', '1', '--data', data('glyphs'), '--no-measure']);
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      '--macs 0.3 --no-reconstruct --distill --lr 1e-6 --epochs 3',
    );
  });

  it('writes nothing and exits with 4 when the result loses more than --max-drop', async () => {
    const before = w.listing();
    const args = ['glyphs-mlp.onnx', '--prune', '80%', '--max-drop', '1', '--data', grey, ...few];
    const { code, stderr } = await w.run(args);
    expect(code).toBe(4);
    expect(stderr).toMatch(/ACCURACY_BUDGET .*points of/);
    expect(w.listing()).toEqual(before);
  });
});

describe('what cannot be done', () => {
  const train = ['--data', grey, '--epochs', '1', ...few];
  it.each<readonly [string, readonly string[], string]>([
    ['distillation without a student', ['distill', 'glyphs-mlp.onnx', ...train], 'STUDENT_MISSING'],
    [
      'a student that is not there',
      ['distill', 'glyphs-mlp.onnx', '--student', 'none.onnx', ...train],
      'FILE_NOT_FOUND',
    ],
    [
      'training on data that is all kept to compare on',
      ['glyphs-mlp.onnx', '--distill', '--data', grey, '--evaluate', 'all'],
      'NONE_TO_TRAIN_ON',
    ],
    ['training without data', ['glyphs-mlp.onnx', '--distill'], 'TRAINING_NEEDS_DATA'],
    ['a command without data', ['finetune', 'glyphs-mlp.onnx'], 'MISSING_MANDATORY_OPTION_VALUE'],
    [
      'fine-tuning without labels',
      ['finetune', 'glyphs-mlp.onnx', '--data', 'synthetic', '--epochs', '1', '--no-measure'],
      'NOTHING_TO_LEARN_FROM',
    ],
    [
      'a hint that names no layer',
      ['distill', 'glyphs-mlp.onnx', '--width', '0.5', '--hint', 'hiden1=hiden1', ...train],
      'LOSS_TARGET',
    ],
    [
      'weights that are all frozen',
      ['finetune', 'glyphs-mlp.onnx', '--freeze', '*', ...train],
      'NOTHING_TO_TRAIN',
    ],
    [
      'augmentation of what is no picture',
      ['finetune', 'glyphs-mlp.onnx', '--augment', 'flip', ...train],
      'AUGMENTATION_NEEDS_PICTURES',
    ],
    [
      'a learning rate that is absurd',
      [
        'finetune',
        'glyphs-mlp.onnx',
        '--lr',
        '1e30',
        '--optimizer',
        'sgd',
        '--warmup',
        '0',
        ...train,
        '--epochs',
        '9',
      ],
      'TRAINING_DIVERGED',
    ],
    ['epochs of nothing', ['glyphs-mlp.onnx', '--int8', '--epochs', '3'], 'OPTION_WITHOUT_EFFECT'],
    [
      'an unknown augmentation',
      ['finetune', 'glyphs-mlp.onnx', '--augment', 'spin', ...train],
      'INVALID_ARGUMENT',
    ],
  ])('%s is said by name, with a next step, and nothing is written', async (_, args, code) => {
    const before = w.listing();
    const outcome = await w.run(args);
    expect(outcome.stderr).toContain(code);
    expect(outcome.stderr).toContain('nothing was written');
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).not.toContain('    at ');
    expect(w.listing().filter((name) => !name.startsWith('.edgepress-checkpoints'))).toEqual(before);
  });
});

describe('a training that is stopped', () => {
  it('leaves nothing but the checkpoint, from which the same command goes on', async () => {
    const args = ['finetune', 'glyphs-mlp.onnx', '--data', grey, '--epochs', '40', '--batch', '8', ...few];
    let sent = false;
    const stopped = await w.start(args, {
      onStderr(text, child) {
        if (sent || !text.includes('epoch 2 of 40')) return;
        sent = true;
        child.kill('SIGINT');
      },
    });
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('the same command goes on from here');
    expect(readdirSync(w.folder).sort()).toEqual(['.edgepress-checkpoints', 'glyphs-mlp.onnx']);
    const { stderr } = await succeeds(args);
    expect(stderr).toMatch(/finetune {4}goes on from its checkpoint · \d+ of \d+ batches/);
    expect(stderr).not.toContain('epoch 1 of 40');
    expect(existsSync(w.path('.edgepress-checkpoints'))).toBe(false);
  });
});

describe('help', () => {
  it.each(['distill', 'finetune'])('of %s fits 80 columns and names what it needs', async (command) => {
    const { stdout } = await succeeds([command, '--help']);
    for (const option of ['--data', '--epochs', '--lr', '--augment', '--checkpoint', '--max-drop'])
      expect(stdout).toContain(option);
  });
});
