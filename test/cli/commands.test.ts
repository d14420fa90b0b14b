import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/compute/engine/open.ts';
import { reportJsonSchema } from '../../src/judge/report/json-schema.ts';
import type { Report } from '../../src/judge/report/report.ts';
import { readModelFile } from '../../src/model/formats/file.ts';
import { nodesOf } from '../../src/model/ir/walk.ts';
import { createWorkspace, data, type Outcome, shippedModel, type Workspace } from './program.ts';

let w: Workspace;
beforeEach(() => {
  w = createWorkspace();
});
afterEach(() => w.remove());

async function succeeds(args: readonly string[], run: Workspace['run'] = w.run): Promise<Outcome> {
  const outcome = await run(args);
  expect(outcome.stderr).not.toContain('✖');
  expect(outcome.code).toBe(0);
  return outcome;
}

/** Opens in both runtimes: what a file that cannot be used would not do. */
async function opensEverywhere(path: string): Promise<void> {
  for (const name of ['node', 'wasm'] as const) {
    const engine = await openEngine(name);
    const session = await engine.open({ bytes: readFileSync(path) });
    expect(session.outputs.length).toBeGreaterThan(0);
    await session.close();
  }
}

const opTypes = (path: string) => [...nodesOf(readModelFile(path))].map((node) => node.opType);
const readReport = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Report;
const files = (name: string) =>
  ['onnx', 'report.html', 'report.json', 'report.md'].map((ending) => `${name}.${ending}`);

describe('compress --int8', () => {
  const models = ['glyphs-cnn', 'glyphs-mlp', 'sequence-lstm', 'sequence-gru', 'sequence-transformer'];

  it.each(models)('makes %s smaller without data, beside the model', async (name) => {
    w.copy(name);
    const { stdout } = await succeeds([`${name}.onnx`, '--int8', '--no-measure']);
    expect(readdirSync(w.folder).sort()).toEqual([...files(`${name}.int8`), `${name}.onnx`].sort());
    expect(stdout).toContain('times smaller');
    expect(stdout).toContain('--data');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    await opensEverywhere(w.path(`${name}.int8.onnx`));
  });

  it.each([
    ['glyphs-mlp', 'glyphs-grey.npz'],
    ['sequence-lstm', 'sentiment.npz'],
    ['sequence-gru', 'waves.npz'],
    ['sequence-transformer', 'sentiment.npz'],
  ])('calibrates %s on %s and says its accuracy', async (name, samples) => {
    w.copy(name);
    const few = ['--calibrate', '20', '--evaluate', '60', '--no-measure'];
    const { stdout } = await succeeds([`${name}.onnx`, '--int8', '--data', data(samples), ...few]);
    expect(stdout).toContain('top-1 accuracy');
    await opensEverywhere(w.path(`${name}.int8.onnx`));
    const { data: used } = readReport(w.path(`${name}.int8.report.json`));
    expect(used).toMatchObject({ evaluationSamples: 60, labelled: true, synthetic: false });
  });

  it('prints one JSON document that its schema allows, all else on stderr', async () => {
    w.copy('glyphs-cnn');
    const args = ['glyphs-cnn.onnx', '--int8', '--data', data('glyphs'), '--json'];
    const { stdout, stderr } = await succeeds(args, w.start);
    const report = JSON.parse(stdout) as Report;
    const validate = new Ajv2020({ strict: false }).compile(reportJsonSchema());
    expect(validate(report), JSON.stringify(validate.errors)).toBe(true);
    expect(report.data).toMatchObject({ calibrationSamples: 100, evaluationSamples: 200 });
    expect(report.latency).toHaveLength(2);
    expect(report.files.map((f) => basename(f)).sort()).toEqual(files('glyphs-cnn.int8'));
    expect(stderr).toContain('BatchNormalizations folded');
    expect(readReport(w.path('glyphs-cnn.int8.report.json'))).toEqual(report);
    await opensEverywhere(w.path('glyphs-cnn.int8.onnx'));
  });

  it('takes labels from a file by the pictures’ names', async () => {
    w.copy('glyphs-cnn');
    mkdirSync(w.path('pictures'));
    const rows = ['arrow', 'star'].flatMap((name) =>
      readdirSync(join(data('glyphs'), name))
        .slice(0, 6)
        .map((file) => {
          cpSync(join(data('glyphs'), name, file), w.path(join('pictures', `${name}-${file}`)));
          return `${name}-${file},${name === 'arrow' ? 0 : 8}`;
        }),
    );
    writeFileSync(w.path('labels.csv'), `file,label\n${rows.join('\n')}\n`);
    await succeeds([
      ...['glyphs-cnn.onnx', '--int8', '--data', 'pictures', '--labels', 'labels.csv', '--calibrate', '4'],
      ...['--no-measure', '--quiet'],
    ]);
    const { evaluation } = readReport(w.path('glyphs-cnn.int8.report.json'));
    expect(evaluation?.samples).toBeGreaterThan(0);
  });

  it('compares on data of its own where it is given, and refuses it where classes are others', async () => {
    w.copy('glyphs-cnn');
    for (const name of readdirSync(data('glyphs')))
      for (const [i, file] of readdirSync(join(data('glyphs'), name)).entries()) {
        const from = join(data('glyphs'), name, file);
        // The first picture of every class is in both.
        if (i < 6) cpSync(from, w.path(join('train', name, file)));
        if (i === 0 || (i >= 6 && i < 9)) cpSync(from, w.path(join('test', name, file)));
        if (name !== 'key') cpSync(from, w.path(join('other', name, file)));
      }
    const given = ['glyphs-cnn.onnx', '--int8', '--data', 'train', '--no-measure'];
    const { stdout } = await succeeds([...given, '--test-data', 'test']);
    expect(stdout.replace(/\s+/g, ' ')).toContain('50 to calibrate, 40 of test/ (40 images) to compare');
    const report = readReport(w.path('glyphs-cnn.int8.report.json'));
    expect(report.data).toMatchObject({ test: 'test/ (40 images)', evaluationSamples: 40 });
    expect(report.evaluation?.samples).toBe(40);
    const refused = await w.run([...given, '--test-data', 'other']);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('TEST_DATA_DIFFERS');
    expect(refused.stderr).toContain('class 6 is "key" there and "moon" here');
  });

  it('gives the same bytes for the same command', async () => {
    for (const name of ['a', 'b']) {
      mkdirSync(w.path(name));
      w.copy('glyphs-cnn', `${name}/m.onnx`);
      const options = [
        '--int8',
        '--data',
        data('glyphs'),
        '--no-cache',
        '--no-measure',
        '--no-compare',
        '-q',
      ];
      await succeeds([`${name}/m.onnx`, ...options], w.start);
    }
    expect(readFileSync(w.path('a/m.int8.onnx')).equals(readFileSync(w.path('b/m.int8.onnx')))).toBe(true);
  });

  it('takes seed and numbers of samples from its options', async () => {
    w.copy('glyphs-mlp');
    const options = ['--calibrate', '5', '--seed', '2', '--evaluate', '20', '--no-measure', '-q'];
    await succeeds(['glyphs-mlp.onnx', '--int8', '--data', data('glyphs-grey.npz'), ...options]);
    const { recipe, data: used } = readReport(w.path('glyphs-mlp.int8.report.json'));
    expect(recipe).toMatchObject({ calibration: { seed: 2, samples: 5 } });
    expect(used).toMatchObject({ calibrationSamples: 5, evaluationSamples: 20 });
  });

  it.each(['node', 'webgpu', 'mobile', 'litert'])('serves --target %s', async (target) => {
    w.copy('glyphs-cnn');
    const options = [
      '--int8',
      '--data',
      data('glyphs'),
      '--evaluate',
      '20',
      '--target',
      target,
      '--no-measure',
    ];
    // For LiteRT a .tflite would come of it.
    await succeeds(['glyphs-cnn.onnx', ...options, '-q', '-o', 'glyphs-cnn.int8.onnx']);
    expect(readReport(w.path('glyphs-cnn.int8.report.json')).target.name).toBe(target);
    await opensEverywhere(w.path('glyphs-cnn.int8.onnx'));
  });

  it('leaves what --exclude names in float, takes only what --include names', async () => {
    w.copy('glyphs-cnn');
    const precisions = async (...select: string[]) => {
      await succeeds(['glyphs-cnn.onnx', '--int8', 'weights', ...select, '--no-measure', '-q']);
      const { layers } = readReport(w.path('glyphs-cnn.int8.report.json'));
      return (opType: string) => [
        ...new Set(layers.filter((l) => l.opType === opType).map((l) => l.precision)),
      ];
    };
    const without = await precisions('--exclude', 'Gemm');
    expect([without('Gemm'), without('Conv')]).toEqual([['float'], ['int8-weights']]);
    const only = await precisions('--include', 'Gemm', '--include', '/stem/**');
    expect(only('Gemm')).toEqual(['int8-weights']);
    expect(only('Conv')).toEqual(['int8-weights', 'float']);
  });

  it('takes one scale a weight with --per-tensor', async () => {
    w.copy('glyphs-cnn');
    const channels = async (...flags: string[]) => {
      await succeeds(['glyphs-cnn.onnx', '--int8', 'weights', ...flags, '--no-measure', '-q']);
      return readReport(w.path('glyphs-cnn.int8.report.json')).result.parameters;
    };
    expect(await channels('--per-tensor')).toBeLessThan(await channels());
  });

  it('takes the model after --int8, too', async () => {
    w.copy('glyphs-mlp');
    await succeeds(['--int8', 'glyphs-mlp.onnx', '--no-measure', '-q'], w.start);
    expect(existsSync(w.path('glyphs-mlp.int8.onnx'))).toBe(true);
  });
});

describe('where the output goes', () => {
  const quick = ['--int8', '--no-measure', '--quiet'];

  it('is a file or an existing folder, and --quiet prints just the paths', async () => {
    w.copy('glyphs-mlp');
    const named = await succeeds(['glyphs-mlp.onnx', ...quick, '-o', 'small.onnx']);
    expect(named.stdout.trim().split('\n').sort()).toEqual(files('small'));
    expect(named.stderr).toBe('');
    mkdirSync(w.path('out'));
    const placed = await succeeds(['glyphs-mlp.onnx', ...quick, '-o', 'out']);
    expect(placed.stdout.trim().split('\n').sort()).toEqual(files('out/glyphs-mlp.int8'));
  });

  it('may hold an older result of ours, and anything with --force', async () => {
    w.copy('glyphs-mlp');
    await succeeds(['glyphs-mlp.onnx', ...quick]);
    await succeeds(['glyphs-mlp.onnx', ...quick]);
    w.copy('sequence-gru', 'mine.onnx');
    await succeeds(['glyphs-mlp.onnx', ...quick, '-o', 'mine.onnx', '--force']);
    expect(readFileSync(w.path('mine.onnx')).equals(readFileSync(w.path('glyphs-mlp.int8.onnx')))).toBe(true);
  });

  it('does not depend on spaces, capitals or absolute paths', async () => {
    mkdirSync(w.path('my models'));
    w.copy('glyphs-mlp', 'my models/The Model.ONNX');
    await succeeds([w.path('my models/The Model.ONNX'), ...quick]);
    expect(readdirSync(w.path('my models')).sort()).toEqual(
      ['The Model.ONNX', ...files('The Model.int8')].sort(),
    );
  });

  it('can be elsewhere when the model lies in a folder that may not be written', async () => {
    mkdirSync(w.path('sealed'));
    w.copy('glyphs-mlp', 'sealed/m.onnx');
    chmodSync(w.path('sealed'), 0o555);
    try {
      await succeeds(['sealed/m.onnx', ...quick, '-o', 'm.int8.onnx']);
      expect(readdirSync(w.path('sealed'))).toEqual(['m.onnx']);
    } finally {
      chmodSync(w.path('sealed'), 0o755);
    }
  });

  it('is not disturbed by what a killed run left behind', async () => {
    w.copy('glyphs-mlp');
    mkdirSync(w.path('.glyphs-mlp.int8.onnx.tmp-abcdef'));
    writeFileSync(w.path('.glyphs-mlp.int8.onnx.tmp-abcdef/glyphs-mlp.int8.onnx'), 'half');
    await succeeds(['glyphs-mlp.onnx', ...quick]);
    await opensEverywhere(w.path('glyphs-mlp.int8.onnx'));
  });
});

describe('the other commands', () => {
  it('inspect says what is in a model, as text, table or JSON', async () => {
    const path = shippedModel('glyphs-cnn');
    const plain = await succeeds(['inspect', path]);
    for (const fact of ['52.3 k parameters', 'float32 [batch,3,32,32]', '9 Conv'])
      expect(plain.stdout).toContain(fact);
    expect((await succeeds(['inspect', path, '--nodes'])).stdout).toContain('/classifier/Gemm');
    expect((await succeeds(['inspect', path, '--text'])).stdout).toContain('opset_import: ["" : 13]');
    const json = JSON.parse((await succeeds(['inspect', path, '--json'])).stdout);
    expect(json).toMatchObject({ opset: 13, nodes: 38, problems: { nonFinite: [] } });
  });

  it('inspect lists nodes with types that the file leaves out', async () => {
    const text =
      '<ir_version: 8, opset_import: ["" : 17]>\ng (float[N,8] x) => (float[N,8] y) { a = Relu (x)\n y = Neg (a) }';
    writeFileSync(w.path('plain.onnx.txt'), text);
    expect((await succeeds(['inspect', 'plain.onnx.txt', '--nodes'])).stdout).toMatch(
      / Relu +a {2}float32 \[N,8\]/,
    );
  });

  it('compare says how far two models are apart', async () => {
    w.copy('glyphs-cnn');
    await succeeds(['glyphs-cnn.onnx', '--int8', '--no-measure', '-q']);
    const args = [
      'compare',
      'glyphs-cnn.onnx',
      'glyphs-cnn.int8.onnx',
      '--data',
      data('glyphs'),
      '--evaluate',
      '50',
    ];
    expect((await succeeds(args)).stdout).toMatch(/scores +\d\d\.\d dB/);
    const json = JSON.parse((await succeeds([...args, '--json'])).stdout);
    expect(json.compare.samples).toBe(50);
    expect(json.evaluation.metrics[0].name).toBe('top-1 accuracy');
  });

  it('evaluate finds the accuracy that onnxruntime for Python found', async () => {
    // fixtures/models/README.md: 393 of 400.
    const path = shippedModel('glyphs-mlp');
    const args = ['evaluate', path, '--data', data('glyphs-grey.npz'), '--json'];
    const { metrics } = JSON.parse((await succeeds(args)).stdout);
    expect(metrics[0]).toMatchObject({ name: 'top-1 accuracy', after: 0.9825 });
  });

  it('passes lists all of them, and the options of one', async () => {
    const list = JSON.parse((await succeeds(['passes', '--json'])).stdout) as { name: string }[];
    const there = readdirSync(join(import.meta.dirname, '../../passes'))
      .filter((name) => name.endsWith('.ts') && name !== 'index.ts')
      .map((name) => name.replace('.ts', ''));
    expect(list.map((p) => p.name).sort()).toEqual(there.sort());
    expect((await succeeds(['passes', 'quantize-static'])).stdout).toContain('perChannel');
  });

  it('recipe prints what --recipe runs to the same model', async () => {
    w.copy('glyphs-mlp');
    const { stdout } = await succeeds(['recipe', '--int8']);
    writeFileSync(w.path('my.json'), stdout);
    await succeeds(['glyphs-mlp.onnx', '--recipe', 'my.json', '--no-measure', '-q', '-o', 'a.onnx']);
    await succeeds(['glyphs-mlp.onnx', '--int8', '--no-measure', '-q', '-o', 'b.onnx']);
    expect(opTypes(w.path('a.onnx'))).toEqual(opTypes(w.path('b.onnx')));
    expect(readFileSync(w.path('a.onnx')).equals(readFileSync(w.path('b.onnx')))).toBe(true);
  });
});
