import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/compute/engine/open.ts';
import { type BundleTrial, bundleRequestOf, makeBundle } from '../../src/jobs/bundle.ts';
import type { BundleRequestInit } from '../../src/jobs/requests/bundle.ts';
import { readRuntimeBundle } from '../../src/jobs/runtime-bundle.ts';
import { setConstant } from '../../src/model/ir/edit.ts';
import type { Model } from '../../src/model/ir/model.ts';
import { constantOf } from '../../src/model/ir/model.ts';
import { float32Values, tensorOf } from '../../src/model/ir/tensor.ts';
import { type Manifest, manifestSchema } from '../../src/ship/emit/manifest.ts';
import { findBrowser } from '../../src/ship/profile/browsers.ts';
import { createWorkspace, data, shippedModel, type Workspace } from './program.ts';

let w: Workspace;
beforeEach(() => {
  w = createWorkspace();
});
afterEach(() => w.remove());

const glyphs = ['--data', data('glyphs'), '--calibrate', '30', '--evaluate', '30', '--no-cache'];
const brief = [...glyphs, '--no-demo'];

const readManifest = (folder: string): Manifest =>
  manifestSchema.parse(JSON.parse(readFileSync(w.path(`${folder}/edgepress.json`), 'utf8')));

/** Every file of a folder with its hash. */
const hashes = (folder: string) =>
  readdirSync(w.path(folder), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name))
    .sort()
    .map((file) => [
      file.slice(w.path(folder).length + 1),
      createHash('sha256').update(readFileSync(file)).digest('hex'),
    ]);

/** The parts of a variant, joined from its files after checking each. */
function partsOf(folder: string, variant: Manifest['variants'][number]): Uint8Array[] {
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  return variant.parts.map((part) => {
    const files = part.files.map((f) => {
      const bytes = readFileSync(w.path(`${folder}/${f.path}`));
      expect([bytes.length, sha256(bytes)]).toEqual([f.bytes, f.sha256]);
      return bytes;
    });
    const whole = Buffer.concat(files);
    expect([whole.length, sha256(whole)]).toEqual([part.bytes, part.sha256]);
    return whole;
  });
}

describe('compress bundle', () => {
  it('makes what each target needs, from a model and pictures', async () => {
    w.copy('glyphs-cnn');
    const { code, stdout, stderr } = await w.run([
      ...['bundle', 'glyphs-cnn.onnx', '-o', 'model', '--targets', 'wasm,node,mobile', '--licence', 'MIT'],
      ...brief,
    ]);
    expect(stderr).not.toContain('✖');
    expect(code).toBe(0);
    expect(readdirSync(w.folder).sort()).toEqual(['glyphs-cnn.onnx', 'model']);
    expect(hashes('model').map(([name]) => name)).toEqual([
      'edgepress.json',
      'headers/_headers',
      'headers/nginx.conf',
      'headers/vercel.json',
      'index.d.ts',
      'onnx/model.onnx',
      'onnx/model_int8.onnx',
      'onnx/model_quantized.onnx',
      'onnx/model_quantized.ort',
      'onnx/required_operators_and_types.config',
    ]);
    const manifest = readManifest('model');
    expect(manifest.variants.map((v) => [v.name, v.format, v.providers])).toEqual([
      ['wasm-int8', 'onnx', ['wasm']],
      ['node-int8', 'onnx', ['cpu']],
      ['mobile-int8', 'ort', ['cpu']],
      ['float', 'onnx', ['wasm', 'cpu']],
    ]);
    expect(manifest.labels).toHaveLength(10);
    expect(manifest.preprocessing?.['name']).toBe('imagenet');
    expect(manifest.licence).toBe('MIT');
    const source = createHash('sha256')
      .update(readFileSync(w.path('glyphs-cnn.onnx')))
      .digest('hex');
    expect(manifest.provenance.source.sha256).toBe(source);
    const [int8] = manifest.variants;
    const float = manifest.variants.at(-1)!;
    expect(int8!.bytes).toBeLessThan(float.bytes / 2);
    for (const variant of manifest.variants) {
      const [model] = partsOf('model', variant);
      expect(variant.parity[0]?.samples).toBe(30);
      expect(variant.parity[0]?.top1Agreement).toBeGreaterThanOrEqual(0.9);
      expect(variant.accuracy?.metric).toBe('top-1 accuracy');
      const engine = await openEngine('node');
      const session = await engine.open({ bytes: model! });
      expect(session.inputs.map((p) => p.name)).toEqual(['image']);
      await session.close();
    }
    expect(stdout).toContain('wasm-int8');
    expect(stdout).toContain("loadModel('/model/')");
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('makes the same bytes twice, and replaces its own older bundle as a whole', async () => {
    w.copy('glyphs-cnn');
    const make = (...more: string[]) =>
      w.run(['bundle', 'glyphs-cnn.onnx', '-o', 'model', '--targets', 'wasm', '-q', ...brief, ...more]);
    expect(await make()).toMatchObject({ code: 0, stdout: 'model/edgepress.json\n', stderr: '' });
    const first = hashes('model');
    expect((await make()).code).toBe(0);
    expect(hashes('model')).toEqual(first);
    // Of another kind than the first, so that something of it would remain if it were written over.
    const other = ['bundle', 'glyphs-cnn.onnx', '-o', 'model', '--targets', 'node', '-q', ...brief];
    expect((await w.run(other)).code).toBe(0);
    expect(existsSync(w.path('model/onnx/model_quantized.onnx'))).toBe(false);
  });

  it('keeps a folder that it did not make, before any work, unless forced', async () => {
    w.copy('sequence-gru');
    mkdirSync(w.path('site'));
    writeFileSync(w.path('site/index.html'), 'mine');
    const before = w.listing();
    const args = ['bundle', 'sequence-gru.onnx', '-o', 'site', '--targets', 'node', '--no-demo'];
    const refused = await w.run(args);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('OUTPUT_EXISTS');
    expect(w.listing()).toEqual(before);
    expect((await w.run([...args, '--force'])).code).toBe(0);
    expect(existsSync(w.path('site/index.html'))).toBe(false);
    const itself = await w.run(['bundle', 'sequence-gru.onnx', '-o', '.', '--force', '--no-demo']);
    expect(itself.stderr).toContain('OUTPUT_HOLDS_INPUT');
  });

  it('prints one JSON document with --json, and says that made-up inputs were compared', async () => {
    w.copy('sequence-gru');
    const args = ['bundle', 'sequence-gru.onnx', '-o', 'm', '--targets', 'wasm', '--no-demo'];
    const { code, stdout } = await w.run([...args, '--json', '--transformers-js', 'gru']);
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as { manifest: unknown; synthetic: boolean; files: { path: string }[] };
    expect(manifestSchema.parse(result.manifest).labels).toBeNull();
    expect(result.synthetic).toBe(true);
    expect(result.files.map((f) => f.path)).toContain('config.json');
  });

  it.each([
    [['--targets', 'wasm,tpu'], /INVALID_ARGUMENT/],
    [['--targets', 'wasm,gpu'], /Did you mean webgpu\?/],
    [['--min-agreement', '101'], /from 0 to 100/],
    [['--labels', 'x.csv'], /OPTION_WITHOUT_EFFECT/],
    [['--label-names', 'missing.txt', '--no-demo'], /FILE_NOT_FOUND/],
  ])('refuses %j and writes nothing', async (flags, expected) => {
    w.copy('glyphs-mlp');
    const before = w.listing();
    const { code, stderr } = await w.run([
      'bundle',
      'glyphs-mlp.onnx',
      '-o',
      'm',
      '--targets',
      'wasm',
      ...flags,
    ]);
    expect(code).toBe(2);
    expect(stderr).toMatch(expected);
    expect(w.listing()).toEqual(before);
  });

  it('leaves nothing behind when it is stopped', async () => {
    w.copy('glyphs-cnn');
    const before = w.listing();
    let sent = false;
    const { code, stderr } = await w.start(
      ['bundle', 'glyphs-cnn.onnx', '-o', 'm', '--targets', 'wasm', ...brief],
      {
        onStderr(text, child) {
          if (sent || !text.includes('  variant ')) return;
          sent = true;
          child.kill('SIGINT');
        },
      },
    );
    expect(sent).toBe(true);
    expect(code).toBe(130);
    expect(stderr).toMatch(/Stopped\. Nothing was written\.\n$/);
    expect(w.listing()).toEqual(before);
  });
});

describe('a bundle', () => {
  const given = { data: data('glyphs'), calibrate: 20, evaluate: 20 };
  const make = (asked: BundleRequestInit = given, trial: BundleTrial = {}, model = 'glyphs-cnn') => {
    const request = bundleRequestOf({ targets: ['wasm'], demo: false, cache: false, ...asked }, 'field');
    const output = request.output ?? w.path('model');
    return makeBundle(output, shippedModel(model), request, { events: {} }, trial);
  };

  /** Weights that are all there and all wrong. */
  function breakModel(model: Model): void {
    for (const value of model.graph.initializers) {
      const tensor = constantOf(value);
      if (tensor?.dtype === 'float32' && tensor.dims.length > 0)
        setConstant(
          value,
          tensorOf(
            'float32',
            tensor.dims,
            float32Values(tensor).map((x) => -3 * x),
          ),
        );
    }
  }

  const breakInt8 = (model: Model, { name }: { readonly name: string }) => {
    if (name === 'wasm-int8') breakModel(model);
  };

  it('does not publish a variant that disagrees with the original, and says so', async () => {
    const result = await make(given, { afterMaking: breakInt8 });
    expect(result.manifest.variants.map((v) => v.name)).toEqual(['float']);
    expect(result.refused).toHaveLength(1);
    expect(result.refused[0]!.reason).toMatch(
      /^same top-1 on .* of rows of "scores", at least 90\.0 % asked$/,
    );
    expect(existsSync(w.path('model/onnx/model_quantized.onnx'))).toBe(false);
    expect(Object.keys(result.manifest.provenance.recipes)).toEqual(['float']);
  });

  it('refuses what answers made-up inputs otherwise, which the original tells apart', async () => {
    const { refused } = await make({}, { afterMaking: breakInt8 }, 'glyphs-mlp');
    expect(refused[0]?.reason).toMatch(/^same top-1 on .* of rows of "scores", at least 90\.0 % asked$/);
  });

  it('compares with a test set of its own where one is given, all of it', async () => {
    w.copy('glyphs-cnn');
    for (const name of readdirSync(data('glyphs')))
      for (const [i, file] of readdirSync(join(data('glyphs'), name)).entries())
        if (i < 8)
          cpSync(join(data('glyphs'), name, file), w.path(join(i < 5 ? 'train' : 'test', name, file)));
    const { code } = await w.run([
      ...[
        'bundle',
        'glyphs-cnn.onnx',
        '-o',
        'model',
        '--targets',
        'wasm',
        '--data',
        'train',
        '--test-data',
        'test',
      ],
      ...['--no-demo', '--no-cache', '--report', 'model.md'],
    ]);
    expect(code).toBe(0);
    const manifest = readManifest('model');
    expect(manifest.provenance.data).toMatchObject({
      source: 'train/ (50 images)',
      calibrationSamples: 50,
      test: 'test/ (30 images)',
      evaluationSamples: 30,
    });
    expect(manifest.variants.map((v) => v.parity[0]?.samples)).toEqual([30, 30]);
    expect(readFileSync(w.path('model.md'), 'utf8')).toContain(
      'train/ (50 images): 50 to calibrate, 30 of test/ (30 images) to compare',
    );
  });

  it('is not written at all when nothing agrees', async () => {
    await expect(make(given, { afterMaking: breakModel })).rejects.toMatchObject({
      code: 'NO_VARIANT',
      kind: 'gate',
    });
    expect(readdirSync(w.folder)).toEqual([]);
  });

  it('keeps weights in a file of their own where one cannot hold them, in shards that join', async () => {
    const { manifest } = await make(given, { externalAboveBytes: 50e3, shardBytes: 60e3 });
    const float = manifest.variants.at(-1)!;
    expect(float.parts.map((p) => [p.name, p.role])).toEqual([
      ['model.onnx', 'model'],
      ['model.onnx_data', 'data'],
    ]);
    expect(float.parts[1]!.files.length).toBeGreaterThan(1);
    const [bytes, weights] = partsOf('model', float);
    const session = await (await openEngine('wasm')).open({
      bytes: bytes!,
      externalData: new Map([['model.onnx_data', weights!]]),
    });
    expect(session.outputs.map((o) => o.name)).toEqual(['scores']);
    await session.close();
  });

  it('says what a picture becomes without data too, and takes names for its classes', async () => {
    const names = w.path('names.json');
    writeFileSync(
      names,
      JSON.stringify({ id2label: Object.fromEntries([...'abcdefghij'].map((c, i) => [i, c])) }),
    );
    const named = { preprocess: 'tf', labelNames: names };
    const { manifest } = await make(named);
    expect(manifest.preprocessing?.['name']).toBe('tf');
    expect(manifest.labels?.join('')).toBe('abcdefghij');
    writeFileSync(names, JSON.stringify(['one', 'two']));
    await expect(make({ ...named, output: w.path('other') })).rejects.toMatchObject({
      code: 'LABEL_NAMES_COUNT',
    });
  });

  it.skipIf(!findBrowser('chromium'))(
    'runs what is for WebGPU in Chromium, or says why it could not (skipped: none found)',
    async () => {
      const { manifest, notes } = await make({ targets: ['webgpu'] }, {}, 'glyphs-mlp');
      const onGpu = (name: string) =>
        manifest.variants.find((v) => v.name === name)?.parity.some((p) => p.runtime.includes('webgpu'));
      // Software GPUs have no shader-f16; a real one has.
      for (const { name } of manifest.variants)
        expect(onGpu(name) || notes.some((n) => n.name === name), name).toBe(true);
      expect(manifest.variants.map((v) => v.name)).toContain('webgpu-fp16');
    },
  );

  it.skipIf(!readRuntimeBundle())(
    'has a demo page with all that it imports (skipped: not built)',
    async () => {
      const { files } = await make({ ...given, demo: true });
      const demo = files.map((f) => f.path).filter((path) => path.startsWith('demo/'));
      expect(demo).toContain('demo/index.html');
      expect(demo).toContain('demo/runtime/index.js');
      expect(demo).toContain('demo/ort/ort-wasm-simd-threaded.wasm');
    },
  );

  it('is loaded by transformers.js from a local path, each precision under its name there', async () => {
    await make({ ...given, targets: ['wasm', 'node'], transformersJs: 'glyphs' });
    const { AutoModel, env, Tensor } = await import('@huggingface/transformers');
    env.allowRemoteModels = false;
    env.localModelPath = `${w.folder}/`;
    for (const dtype of ['fp32', 'q8', 'int8'] as const) {
      const model = await AutoModel.from_pretrained('model', { dtype, local_files_only: true });
      const image = new Tensor('float32', new Float32Array(3 * 32 * 32).fill(0.5), [1, 3, 32, 32]);
      const { scores } = (await model({ image })) as { scores: { dims: number[] } };
      expect(scores.dims).toEqual([1, 10]);
      await model.dispose();
    }
  });
});
