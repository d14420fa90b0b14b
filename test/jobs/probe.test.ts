/** Without data, results are compared with the original on text that ships with us, or on inputs that are made up. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compress } from '../../src/jobs/compress.ts';
import { evaluate } from '../../src/jobs/evaluate.ts';
import { renderOutcome } from '../../src/judge/report/terminal.ts';
import { linear, networkBuilder, normal, values } from '../../src/model/build/index.ts';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';
import { openedFromModel } from '../../src/model/formats/opened.ts';

const root = mkdtempSync(join(tmpdir(), 'edgepress-probe-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A shipped model, with the letters that it knows beside it. */
function withTokenizer(given: string, letters: string | null): string {
  const name = given.replace('-again', '');
  const folder = join(root, `${given}${letters === null ? '-alone' : ''}`);
  mkdirSync(folder);
  if (letters !== null) writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify([...letters]));
  copyFileSync(`fixtures/models/${name}.onnx`, join(folder, 'model.onnx'));
  return join(folder, 'model.onnx');
}
const letters = '\n abcdefghijklmnopqrstuvwxyz.,';
const quick = { measure: false } as const;

describe('a language model', () => {
  const model = withTokenizer('sentences-gpt2', letters);

  it('is compared on shipped text, through the tokeniser beside it', async () => {
    const { report } = await compress(model, { int8: 'weights', ...quick });
    expect(report.data).toBeNull();
    expect(report.probe?.kind).toBe('text');
    expect(report.probe!.samples).toBe(report.compare!.samples);
    expect(report.compare!.measures![0]!.id).toBe('same-next-token');
    expect(report.verdict.headline).toContain('pieces of shipped text');
    expect(report.verdict.level).toBe('warn');
  });

  it('is red where pruning without data destroys it, and is told what helps', async () => {
    const { report } = await compress(model, { prune: 50, ...quick });
    expect(report.verdict.level).toBe('bad');
    expect(report.next.map(({ command }) => command).join()).toContain('--data');
  });

  it('reads made-up tokens where no tokeniser lies beside it', async () => {
    const { report } = await compress(withTokenizer('sentences-gpt2', null), { int8: 'weights', ...quick });
    expect(report.probe?.kind).toBe('made-up');
    expect(report.evaluation).toBeNull();
    expect(report.verdict.level).toBe('warn');
  });

  it('is not compared where nobody wants that', async () => {
    const { report } = await compress(model, { int8: true, compare: false, ...quick });
    expect([report.probe, report.compare]).toEqual([undefined, null]);
    expect(report.verdict.headline).toContain('quality not measured');
  });
});

describe('a model of pictures or signals', () => {
  it('is red in every view where pruning without data destroys it, and is told what helps', async () => {
    const { report, files } = await compress('fixtures/models/glyphs-cnn.onnx', { prune: 50, ...quick });
    expect(report.probe).toMatchObject({ kind: 'made-up' });
    expect(report.probe!.choices).toBeGreaterThan(1);
    expect(report.verdict.level).toBe('bad');
    const [{ text } = { text: '' }] = report.verdict.warnings;
    const view = (ending: string) => {
      const file = files.find(({ path }) => path.endsWith(ending))!;
      return Buffer.from(file.bytes).toString().replace(/\s+/g, ' ');
    };
    expect(renderOutcome(report, { colour: false, width: 200 }).replace(/\s+/g, ' ')).toContain(`✖ ${text}`);
    expect(view('.md')).toContain(`❌ ${text}`);
    expect(view('.html')).toContain('<p class="badge bad">');
    expect(JSON.parse(view('.json')).verdict.level).toBe('bad');
    expect(report.next.map(({ command }) => command).join()).toContain('--data');
  });

  it('loses its channels by made-up inputs that it is not compared on, which saves most of it on real ones', async () => {
    const accuracy = async (options: object) => {
      const model = 'fixtures/models/glyphs-cnn.onnx';
      const { report, model: made } = await compress(model, { macs: 0.6, ...quick, ...options });
      const found = await evaluate(openedFromModel(made, 'pruned.onnx'), {
        data: 'fixtures/data/glyphs',
        evaluate: 200,
      });
      return { report, value: found.report.metrics[0]!.after! };
    };
    const fitted = await accuracy({});
    expect(fitted.report.probe).toMatchObject({ kind: 'made-up', fitted: true });
    expect(fitted.report.verdict.level).toBe('bad');
    const byWeights = await accuracy({ importance: 'l2', reconstruct: false });
    expect(fitted.value).toBeGreaterThan(0.85);
    expect(fitted.value).toBeGreaterThan(byWeights.value + 0.4);
  });

  it('is not red where little was lost', async () => {
    for (const name of ['glyphs-cnn', 'digits-mlp', 'sequence-gru']) {
      const { report } = await compress(`fixtures/models/${name}.onnx`, { int8: 'weights', ...quick });
      expect(report.probe?.kind).toBe('made-up');
      expect(report.verdict.level).toBe('warn');
    }
  });

  it('is compared on the same inputs at every run', async () => {
    const run = () => compress('fixtures/models/digits-cnn.onnx', { int8: 'weights', ...quick });
    const [one, two] = [await run(), await run()];
    expect(one.report.compare).toEqual(two.report.compare);
  });

  it('that always answers the same is said to tell little', async () => {
    const b = networkBuilder({ name: 'one-answer' });
    const x = b.input('features', 'float32', ['N', 64]);
    const y = linear(b, 'mix', x, { inputs: 64, outputs: 48 });
    const bias = b.weight(
      'bias',
      [48],
      values(Float32Array.from({ length: 48 }, (_, i) => (i === 3 ? 1e4 : 0))),
    );
    b.output('scores', b.op('Add', [y, bias]));
    const { report } = await compress(b.build(), { int8: 'weights', ...quick });
    expect(report.probe).toMatchObject({ kind: 'made-up', choices: 1 });
    expect(report.verdict.warnings.map(({ text }) => text).join()).toContain('the same answer to all');
  });
});

it('compares with samples that it was calibrated on where none are held back, and says so', async () => {
  const { report } = await compress('fixtures/models/glyphs-mlp.onnx', {
    ...{ int8: true, data: 'fixtures/data/glyphs-grey.npz', evaluate: 0, calibrate: 40, ...quick },
  });
  expect(report.probe).toMatchObject({ kind: 'seen', samples: 32 });
  expect(report.verdict.headline).toContain('on 32 samples already seen');
});

it('says why there is no comparison where the model does not run on what the probe has', async () => {
  const b = networkBuilder({ name: 'seven' });
  const ids = b.input('input_ids', 'int64', ['batch', 'tokens']);
  const embedded = b.op('Gather', [
    b.weight('table', [40, 64], normal()),
    b.op('Reshape', [ids, b.integers(1, 7)]),
  ]);
  b.output('last_hidden_state', linear(b, 'mix', embedded, { inputs: 64, outputs: 64 }));
  const { report, files } = await compress(b.build(), { int8: 'weights', ...quick });
  expect(files[0]!.bytes.length).toBeGreaterThan(0);
  expect([report.probe, report.compare]).toEqual([undefined, null]);
  expect(report.verdict.warnings.map(({ text }) => text).join()).toContain('It could not be compared on');
});

describe('int8 without data, of which nobody said how', () => {
  const model = withTokenizer('sentences-gpt2-again', null);

  it('stores weights where computing in int8 answers otherwise', async () => {
    const { report } = await compress(model, { int8: true, ...quick });
    expect(report.precision).toMatchObject({ mode: 'weight-only', instead: { mode: 'dynamic' } });
    expect(report.precision.instead!.points).toBeGreaterThan(0.2);
    expect(report.recipe).toMatchObject({ name: 'int8-weights' });
  });

  it('computes in int8 where that answers the same, and where it was asked for', async () => {
    const same = await compress('fixtures/models/sentiment-encoder.onnx', { int8: true, ...quick });
    expect(same.report.precision.mode).toBe('dynamic');
    const asked = await compress(model, { int8: 'dynamic', ...quick });
    expect(asked.report.precision.mode).toBe('dynamic');
    expect(asked.report.precision.instead).toBeUndefined();
  });
});

it('is not opened for functions that call each other twice, which an engine would write out for hours', async () => {
  const levels = 30;
  const model = parseModel(
    [
      '<ir_version: 8, opset_import: ["" : 17, "my" : 1]>',
      'g (float[N,2] x) => (float[N,2] y) { z = Neg (x)  y = my.F0 (z) }',
      ...Array.from({ length: levels }, (_, i) => {
        const body = i === levels - 1 ? 'o = Relu (a)' : `b = my.F${i + 1} (a)  o = my.F${i + 1} (b)`;
        return `<domain: "my", opset_import: ["" : 17, "my" : 1]> F${i} (a) => (o) { ${body} }`;
      }),
    ].join('\n'),
  );
  await expect(compress(model, { int8: true, ...quick })).rejects.toMatchObject({
    code: 'FUNCTIONS_TOO_LARGE',
  });
}, 20_000);
