import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  writeCyclic,
  writeEscaping,
  writeFilter,
  writeHostileNames,
  writeNotFinite,
  writeUnknownOperator,
} from './broken-models.ts';
import { createWorkspace, data, type Outcome, shippedModel, type Workspace } from './program.ts';

let w: Workspace;
beforeAll(() => {
  w = createWorkspace();
  w.copy('glyphs-cnn');
});
afterAll(() => w.remove());

/** Runs a command that has to fail: the code on stderr, no stack, no result on stdout, nothing written or touched. */
async function refuses(
  args: readonly string[],
  code: string,
  exit: number,
  run: Workspace['run'] = w.run,
): Promise<Outcome> {
  const before = w.listing();
  const outcome = await run(args);
  expect(outcome.stderr).toContain(`✖ ${code}  `);
  expect(outcome.stderr).not.toMatch(/^\s+at .*:\d+:\d+/m);
  expect(outcome.stderr).not.toContain('node:internal');
  // At most what was known before the work.
  expect(outcome.stdout).not.toMatch(/→|Next|\d times/);
  expect(outcome.code).toBe(exit);
  expect(w.listing()).toEqual(before);
  return outcome;
}

const compress = (model: string, ...more: string[]) => [model, '--int8', '--no-measure', ...more];

describe('a model that is none', () => {
  const contents: [string, string, Buffer][] = [
    ['nothing at all', 'EMPTY_FILE', Buffer.alloc(0)],
    ['a picture', 'NOT_ONNX', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')],
    ['a web page', 'NOT_ONNX', Buffer.from('<!DOCTYPE html><html><body>404</body></html>')],
    ['a zip archive', 'NOT_ONNX', Buffer.from('504b0304140000000000', 'hex')],
    [
      'a damaged TensorFlow Lite model',
      'TFLITE_MALFORMED',
      Buffer.from('\x1c\0\0\0TFL3\x14\0\x20\0\0\0', 'latin1'),
    ],
    [
      'a Git LFS pointer',
      'NOT_ONNX',
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\n'),
    ],
  ];
  for (const [what, code, bytes] of contents)
    it(`is refused when the file holds ${what}`, async () => {
      writeFileSync(w.path('other.onnx'), bytes);
      await refuses(compress('other.onnx'), code, 2);
    });

  it('is refused when there is no such file', () =>
    refuses(compress('absent.onnx'), 'FILE_NOT_FOUND', 2, w.start));

  it('is refused when the path is a folder', () => refuses(compress('.'), 'FILE_IS_FOLDER', 2));

  it('is refused when the file ends early', async () => {
    cpSync(shippedModel('glyphs-cnn'), w.path('short.onnx'));
    truncateSync(w.path('short.onnx'), 100_000);
    await refuses(compress('short.onnx'), 'ONNX_TRUNCATED', 2);
  });

  it.skipIf(process.getuid?.() === 0)('is refused when it may not be read (skipped for root)', async () => {
    w.copy('glyphs-mlp', 'locked.onnx');
    chmodSync(w.path('locked.onnx'), 0);
    await refuses(compress('locked.onnx'), 'FILE_PERMISSION', 5);
  });

  it.each(['inspect', 'evaluate', 'compare'])('is refused by %s as well', async (command) => {
    const rest = { inspect: [], evaluate: ['--data', data('waves.npz')], compare: ['b', '--data', 'c'] }[
      command
    ]!;
    await refuses([command, 'absent.onnx', ...rest], 'FILE_NOT_FOUND', 2);
  });
});

describe('a model that is broken', () => {
  it('is refused when its graph has a cycle', async () => {
    writeCyclic(w.path('cyclic.onnx'));
    await refuses(compress('cyclic.onnx'), 'GRAPH_CYCLIC', 2);
  });

  it('is refused when its weights are not numbers', async () => {
    writeNotFinite(w.path('nan.onnx'));
    await refuses(compress('nan.onnx'), 'WEIGHTS_NOT_FINITE', 2);
  });

  it('is refused when its weights lie outside of its folder', async () => {
    writeEscaping(w.path('escaping.onnx'));
    await refuses(compress('escaping.onnx'), 'EXTERNAL_DATA_PATH', 2);
  });

  it.each(['wasm', 'node'])('is refused when %s lacks an operator of it', async (target) => {
    writeUnknownOperator(w.path('foreign.onnx'));
    const args = compress('foreign.onnx', '--target', target);
    const { stderr } = await refuses(args, 'MODEL_REFUSED', 3, w.start);
    expect(stderr).toContain('com.microsoft.extensions');
  });

  it('is a document on stdout with --json, as a result is', async () => {
    const { code, stdout } = await w.run(['inspect', 'absent.onnx', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'FILE_NOT_FOUND', exit: code } });
  });

  it('prints its names without their control characters', async () => {
    writeHostileNames(w.path('hostile.onnx'));
    for (const flag of ['--nodes', '--text', '--json']) {
      const { stdout } = await w.run(['inspect', 'hostile.onnx', flag]);
      expect(stdout).not.toContain('\u001b');
    }
    const { stderr } = await w.run(compress('hostile.onnx', '--exclude', '\u001b[3J'));
    expect(stderr).not.toContain('\u001b');
  });
});

describe('data that does not fit', () => {
  it('is refused when it is not there', () =>
    refuses(compress('glyphs-cnn.onnx', '--data', 'absent/'), 'DATA_NOT_FOUND', 2));

  it('is refused when the folder is empty', async () => {
    mkdirSync(w.path('empty'), { recursive: true });
    await refuses(compress('glyphs-cnn.onnx', '--data', 'empty'), 'DATA_EMPTY', 2);
  });

  it('is refused with both shapes when they differ', async () => {
    const { stderr } = await refuses(
      compress('glyphs-cnn.onnx', '--data', data('waves.npz')),
      'CALIBRATION_SHAPE',
      2,
    );
    expect(stderr).toContain('[400,48,1]');
    expect(stderr).toContain('input "image" takes float32 [batch,3,32,32]');
  });

  describe('in a folder of pictures', () => {
    beforeAll(() => {
      mkdirSync(w.path('pictures'));
      const star = join(data('glyphs'), 'star');
      for (const name of readdirSync(star).slice(0, 8))
        cpSync(join(star, name), join(w.path('pictures'), name));
    });

    it('is refused when its labels name other files', async () => {
      writeFileSync(w.path('labels.csv'), 'file,label\nother.png,1\n');
      await refuses(
        compress('glyphs-cnn.onnx', '--data', 'pictures', '--labels', 'labels.csv'),
        'LABELS_UNMATCHED',
        2,
      );
    });

    it('is refused when one of them is damaged', async () => {
      const whole = readFileSync(join(w.path('pictures'), readdirSync(w.path('pictures'))[0]!));
      writeFileSync(join(w.path('pictures'), 'damaged.png'), whole.subarray(0, 120));
      const { stderr } = await refuses(compress('glyphs-cnn.onnx', '--data', 'pictures'), 'BAD_IMAGES', 2);
      expect(stderr).toContain('damaged.png');
    });
  });

  it('is asked for by --int8 static', () =>
    refuses(['glyphs-cnn.onnx', '--int8', 'static'], 'CALIBRATION_REQUIRED', 2));

  it('is refused when models to compare take different inputs', async () => {
    w.copy('glyphs-mlp');
    await refuses(
      ['compare', 'glyphs-cnn.onnx', 'glyphs-mlp.onnx', '--data', data('glyphs')],
      'COMPARE_INPUTS',
      2,
    );
  });
});

describe('an output that must not be written', () => {
  it('keeps a model that edgepress did not make', async () => {
    w.copy('glyphs-mlp', 'mine.onnx');
    await refuses(compress('glyphs-cnn.onnx', '-o', 'mine.onnx'), 'OUTPUT_EXISTS', 2);
  });

  it("keeps a page of one's own, even one about edgepress", async () => {
    writeFileSync(w.path('notes.report.html'), '<p>My notes about edgepress</p>');
    await refuses(compress('glyphs-cnn.onnx', '-o', 'notes.onnx'), 'OUTPUT_EXISTS', 2);
  });

  it('is the model itself, by whatever path, even with --force', async () => {
    await refuses(compress('glyphs-cnn.onnx', '-o', 'glyphs-cnn.onnx', '--force'), 'OUTPUT_IS_INPUT', 2);
    await refuses(
      compress('./glyphs-cnn.onnx', '-o', w.path('glyphs-cnn.onnx'), '--force'),
      'OUTPUT_IS_INPUT',
      2,
    );
  });

  it('is a file of data, even with --force', async () => {
    writeFileSync(w.path('data.npz'), '');
    await refuses(
      compress('glyphs-cnn.onnx', '--int8', '--data', 'data.npz', '-o', 'data.npz', '--force'),
      'OUTPUT_IS_INPUT',
      2,
    );
  });

  it('is in a folder of a folder that does not exist', () =>
    refuses(compress('glyphs-cnn.onnx', '-o', 'absent/deeper/x.onnx'), 'FOLDER_NOT_FOUND', 2));

  it('does not fit on the disk', async (context) => {
    const small = w.path('small-disk');
    mkdirSync(small);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48k', 'tmpfs', small], { stdio: 'ignore' });
    } catch {
      return context.skip('mounting a small disk needs root');
    }
    try {
      await refuses(compress('glyphs-cnn.onnx', '-o', 'small-disk/x.onnx'), 'DISK_FULL', 5, w.start);
      expect(readdirSync(small)).toEqual([]);
    } finally {
      execFileSync('umount', [small]);
    }
  });
});

describe('a command line with a mistake', () => {
  const mistakes: [string, string[], string, string][] = [
    ['an option', ['glyphs-cnn.onnx', '--int9'], 'UNKNOWN_OPTION', 'Did you mean --int8?'],
    [
      'an option of another command',
      ['bundle', 'glyphs-cnn.onnx', '--no-measure'],
      'UNKNOWN_OPTION',
      'compress bundle --help',
    ],
    ['a mode', ['glyphs-cnn.onnx', '--int8', 'dynamc'], 'INVALID_ARGUMENT', 'Did you mean dynamic?'],
    ['a target', ['glyphs-cnn.onnx', '--target', 'wsm'], 'INVALID_ARGUMENT', 'Did you mean wasm?'],
    ['a number', ['glyphs-cnn.onnx', '--int8', '--seed', '1.5'], 'INVALID_ARGUMENT', 'whole number'],
    ['a command', ['inspekt', 'glyphs-cnn.onnx'], 'EXCESS_ARGUMENTS', 'Did you mean inspect?'],
    ['a lone command', ['inspekt'], 'FILE_NOT_FOUND', 'Did you mean the command inspect?'],
    ['a pass', ['passes', 'fuse-conv-bn'], 'PASS_UNKNOWN', 'Did you mean'],
    ['an op type', compress('glyphs-cnn.onnx', '--exclude', 'Konv'), 'PATTERN_MATCHES_NOTHING', '"Conv"'],
    [
      'an included op type',
      compress('glyphs-cnn.onnx', '--include', 'Gem'),
      'PATTERN_MATCHES_NOTHING',
      '"Gemm"',
    ],
  ];
  for (const [what, args, code, suggestion] of mistakes)
    it(`gets a suggestion for ${what}`, async () => {
      const { stderr } = await refuses(args, code, 2);
      expect(stderr).toContain(suggestion);
    });

  it.each([
    ['--labels', 'x.csv'],
    ['--preprocess', 'tf'],
    ['--test-data', 'test'],
    ['--test-labels', 'x.csv'],
    ['--max-drop', '1'],
    ['--data', 'synthetic', '--test-data', 'test'],
    ['--symmetric'],
    ['--ranges', 'minmax'],
  ])('is told that %s would do nothing', async (...flag) => {
    await refuses(compress('glyphs-cnn.onnx', ...flag), 'OPTION_WITHOUT_EFFECT', 2);
  });

  it('is told that a test set alone makes no bundle on data', async () => {
    await refuses(['bundle', 'glyphs-cnn.onnx', '--test-data', data('glyphs')], 'OPTION_WITHOUT_EFFECT', 2);
  });

  it('is told when nothing measures what --max-drop bounds', async () => {
    writeFilter(w.path('filter.onnx'));
    const budget = [
      '--int8',
      'weights',
      '--data',
      'synthetic',
      '--max-drop',
      '1',
      '--task',
      'other',
      '--no-measure',
    ];
    await refuses(['filter.onnx', ...budget], 'BUDGET_NOT_MEASURED', 4, w.start);
    await refuses(
      compress('glyphs-cnn.onnx', '--data', data('glyphs'), '--max-drop', '1', '--no-compare'),
      'OPTION_WITHOUT_EFFECT',
      2,
    );
  });

  it('needs a model', () => refuses(['--int8'], 'MISSING_ARGUMENT', 2, w.start));

  it('needs data to compare', () =>
    refuses(['compare', 'a.onnx', 'b.onnx'], 'MISSING_MANDATORY_OPTION_VALUE', 2));
});

describe('a recipe with a mistake', () => {
  const recipe = (pass: string, options = {}) =>
    JSON.stringify({ edgepress: 1, name: 'mine', stages: [{ name: 'a', passes: [{ pass, options }] }] });
  const mistakes: [string, string, string, string][] = [
    ['is not JSON', '{edgepress', 'RECIPE_INVALID', 'mine.json: it is not JSON'],
    ['misspells a pass', recipe('fold-constant'), 'PASS_UNKNOWN', 'Did you mean "fold-constants"?'],
    [
      'misspells an option',
      recipe('quantize-static', { perChanel: false }),
      'RECIPE_INVALID',
      'did you mean "perChannel"?',
    ],
    [
      'has a value of the wrong type',
      recipe('quantize-static', { perChannel: 'no' }),
      'RECIPE_INVALID',
      'boolean',
    ],
  ];
  for (const [what, text, code, said] of mistakes)
    it(`is refused by its file name when it ${what}`, async () => {
      writeFileSync(w.path('mine.json'), text);
      const { stderr } = await refuses(['glyphs-cnn.onnx', '--recipe', 'mine.json'], code, 2);
      expect(stderr).toContain('mine.json');
      expect(stderr).toContain(said);
    });

  it('is refused together with options that it would ignore', async () => {
    writeFileSync(w.path('mine.json'), recipe('fold-constants'));
    await refuses(['glyphs-cnn.onnx', '--recipe', 'mine.json', '--int8'], 'CONFLICTING_OPTION', 2);
  });
});
