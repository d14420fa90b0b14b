import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeAlphabet } from '../judge/generate/alphabet-model.ts';
import { createWorkspace, data, type Workspace } from './program.ts';

let w: Workspace;
beforeAll(() => {
  w = createWorkspace();
  w.copy('glyphs-mlp');
  writeAlphabet(w.path('alphabet.onnx'));
  writeFileSync(w.path('letters.json'), '{"a":0,"b":1,"c":2,"d":3,"e":4}');
  writeFileSync(w.path('text.txt'), 'abcdeabcdeabcde');
  writeFileSync(w.path('pairs.tsv'), '0 1\t2 3 4 0\n1 2\t3 4 0 2\n');
});
afterAll(() => w.remove());

async function measured(...args: string[]) {
  const { code, stdout, stderr } = await w.run(['evaluate', ...args, '--json']);
  expect(stderr).not.toContain('✖');
  expect(code).toBe(0);
  return JSON.parse(stdout);
}
const named = (result: { metrics: { name: string }[] }, name: string) =>
  result.metrics.find((m) => m.name === name);

describe('compress evaluate --metric', () => {
  const glyphs = ['glyphs-mlp.onnx', '--data', data('glyphs-grey.npz')];

  it('accuracy, top5 and f1 read labelled samples, side by side with a baseline', async () => {
    // fixtures/models/README.md: 393 of 400 are right; with one label a sample micro F1 is the accuracy.
    const result = await measured(...glyphs, '--metric', 'accuracy,top5,f1', '--baseline', 'glyphs-mlp.onnx');
    expect(result).toMatchObject({ task: 'classification', samples: 400 });
    expect(named(result, 'top-1 accuracy')).toMatchObject({ before: 0.9825, after: 0.9825 });
    expect(named(result, 'F1 (micro)')).toMatchObject({ before: 0.9825, after: 0.9825 });
    expect(named(result, 'top-5 accuracy')).toMatchObject({ higherIsBetter: true, unit: 'fraction' });
    expect(result.perClass).toHaveLength(10);
    expect(result.perClass[0]).toMatchObject({ label: 0, support: 40 });
  });

  it('takes what was not typed from its part of a configuration file', async () => {
    const evaluate = { data: data('glyphs-grey.npz'), evaluate: 10, metric: ['top5'] };
    writeFileSync(w.path('part.json'), JSON.stringify({ int8: true, evaluate }));
    const result = await measured('glyphs-mlp.onnx', '--config', 'part.json', '--evaluate', '20');
    expect(result.samples).toBe(20);
    expect(result.metrics.map((m: { name: string }) => m.name)).toEqual(['top-5 accuracy']);
  });

  it('perplexity reads a text', async () => {
    // The right token has the score 1 among five, the others 0: e/(e + 4) each time.
    const expected = (Math.E + 4) / Math.E;
    const args = ['alphabet.onnx', '--data', 'text.txt', '--tokenizer', 'letters.json'];
    const result = await measured(...args, '--metric', 'perplexity', '--window', '4');
    expect(result).toMatchObject({ task: 'language', samples: 4, window: 4, stride: 4 });
    const { after } = named(result, 'perplexity') as unknown as { after: number };
    expect(after).toBeCloseTo(expected, 5);
    expect(named(result, 'bits per character')).toMatchObject({ unit: 'bits', higherIsBetter: false });
  });

  it('bleu and exact-match read pairs of source and target', async () => {
    const args = ['alphabet.onnx', '--data', 'pairs.tsv', '--ids', '--max-tokens', '4'];
    const result = await measured(...args, '--metric', 'bleu,exact-match');
    expect(named(result, 'exact match')).toMatchObject({ after: 0.5 });
    // sacreBLEU 2.6.0: corpus_score(['2 3 4 0', '3 4 0 1'], [['2 3 4 0', '3 4 0 2']]).
    const { after } = named(result, 'BLEU') as unknown as { after: number };
    expect(after).toBeCloseTo(72.31269021297696, 9);
    expect(result.signature).toBe('nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0');
  });

  it('prints a table that fits 80 columns', async () => {
    const { stdout } = await w.run([
      'evaluate',
      ...glyphs,
      '--metric',
      'f1',
      '--baseline',
      'glyphs-mlp.onnx',
    ]);
    expect(stdout).toMatch(/metric +baseline +model +change/);
    expect(stdout).toMatch(/F1 \(weighted\) +98\.\d\d % +98\.\d\d % +±0\.0 points/);
    expect(stdout).toMatch(/class +precision +recall +F1 +samples/);
    expect(Math.max(...stdout.split('\n').map((l) => l.length))).toBeLessThanOrEqual(80);
  });

  it.each([
    ['a metric unknown', [...glyphs, '--metric', 'acuracy'], 'METRIC_UNKNOWN', 'Did you mean accuracy?'],
    ['an option of another kind', [...glyphs, '--window', '3'], 'OPTION_WITHOUT_EFFECT', 'Leave it out'],
  ])('refuses %s', async (_, args, code, hint) => {
    const outcome = await w.run(['evaluate', ...args]);
    expect(outcome.stderr).toContain(code);
    expect(outcome.stderr).toContain(hint);
    expect([outcome.stdout, outcome.code]).toEqual(['', 2]);
  });
});
