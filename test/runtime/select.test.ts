import { describe, expect, it } from 'vitest';
import { browserOf, type DeviceFacts, detectDevice } from '../../src/runtime/facts.ts';
import { selectCandidates } from '../../src/runtime/select.ts';
import type { BundleMeasurement } from '../../src/ship/emit/manifest.ts';
import { makeBundle, type VariantSketch } from './bundle.ts';

const laptop: DeviceFacts = {
  webgpu: { adapter: 'acme one', software: false, shaderF16: true, maxBufferBytes: 2 ** 31 },
  webnn: false,
  wasmSimd: true,
  isolated: true,
  hardwareConcurrency: 8,
  deviceMemoryGb: 8,
  mobile: false,
  browser: 'chromium',
};

const sketch = (name: string, rest: Partial<VariantSketch> = {}): VariantSketch => ({
  name,
  model: new Uint8Array(8),
  ...rest,
});
const all = [
  sketch('float', { providers: ['wasm', 'webgpu'] }),
  sketch('wasm-int8', { precision: 'int8' }),
  sketch('webgpu-fp16', { precision: 'float16', providers: ['webgpu'], requires: ['webgpu', 'shader-f16'] }),
  sketch('webgpu-q4', { precision: 'q4', providers: ['webgpu'], requires: ['webgpu'] }),
  sketch('mobile', { providers: ['cpu'], format: 'ort' }),
];
const choose = (device: Partial<DeviceFacts> = {}, variants = all, wishes = {}) =>
  selectCandidates(makeBundle(variants).manifest, { ...laptop, ...device }, wishes);
const names = (selection: ReturnType<typeof choose>) =>
  selection.candidates.map((c) => `${c.variant.name}/${c.provider}`);

describe('choosing a variant', () => {
  it('takes half floats on a GPU that has them, and keeps the others to fall back on', () => {
    expect(names(choose())).toEqual([
      'webgpu-fp16/webgpu',
      'webgpu-q4/webgpu',
      'float/webgpu',
      'wasm-int8/wasm',
      'float/wasm',
    ]);
    expect(choose().candidates[0]).toMatchObject({ bundle: 'onnxruntime-web/webgpu', threads: 1 });
  });

  it('leaves out half floats on a GPU without shader-f16', () => {
    const webgpu = { ...laptop.webgpu!, shaderF16: false };
    const selection = choose({ webgpu });
    expect(names(selection)[0]).toBe('webgpu-q4/webgpu');
    expect(selection.excluded).toContainEqual({
      variant: 'webgpu-fp16',
      provider: 'webgpu',
      reason: 'the GPU has no shader-f16',
    });
  });

  it('takes int8 on wasm and its small build where there is no GPU, and says why', () => {
    const [first] = choose({ webgpu: null }).candidates;
    expect(first).toMatchObject({
      provider: 'wasm',
      bundle: 'onnxruntime-web/wasm',
      threads: 4,
      reason: 'no WebGPU adapter',
    });
    expect(first!.variant.name).toBe('wasm-int8');
  });

  it('puts a GPU emulated on the CPU behind wasm', () => {
    const webgpu = { ...laptop.webgpu!, software: true };
    expect(names(choose({ webgpu })).slice(0, 3)).toEqual([
      'wasm-int8/wasm',
      'float/wasm',
      'webgpu-fp16/webgpu',
    ]);
  });

  it('never takes files made for native runtimes, nor WebNN before what was checked', () => {
    const variants = [sketch('ml', { providers: ['webnn', 'wasm'] }), ...all];
    const selection = choose({ webnn: true }, variants);
    expect(names(selection).at(-1)).toBe('ml/webnn');
    expect(names(selection).some((name) => name.startsWith('mobile'))).toBe(false);
    expect(names(choose({}, variants))).not.toContain('ml/webnn');
  });

  it('has one thread without cross-origin isolation, and few on many cores', () => {
    const threads = (device: Partial<DeviceFacts>) =>
      choose({ webgpu: null, ...device }).candidates[0]!.threads;
    expect(threads({ isolated: false })).toBe(1);
    expect([1, 2, 3, 4, 6, 8, 64].map((hardwareConcurrency) => threads({ hardwareConcurrency }))).toEqual([
      1, 2, 2, 2, 3, 4, 4,
    ]);
    const needy = [sketch('threaded', { requires: ['threads'] })];
    expect(choose({ isolated: false }, needy).excluded[0]!.reason).toContain('cross-origin isolated');
  });

  it('runs nothing without wasm SIMD, which every build of onnxruntime-web needs', () => {
    expect(choose({ wasmSimd: false }).candidates).toEqual([]);
  });

  it('tries what is too large for the memory last', () => {
    const variants = [
      sketch('big', { precision: 'int8', bytes: 2e9 }),
      sketch('small', { precision: 'float32', bytes: 1e6 }),
    ];
    expect(names(choose({ deviceMemoryGb: 2 }, variants))).toEqual(['small/wasm', 'big/wasm']);
  });

  it('keeps to the variant and provider asked for', () => {
    expect(names(choose({}, all, { variant: 'float', provider: 'wasm' }))).toEqual(['float/wasm']);
    expect(choose({}, all, { provider: 'wasm' }).candidates[0]!.reason).toBe('asked for');
    expect(choose({}, all, { variant: 'none' }).candidates).toEqual([]);
  });

  const at = (
    provider: string,
    medianMs: number,
    rest: Partial<BundleMeasurement> = {},
  ): BundleMeasurement => ({
    device: 'desktop',
    host: 'Chromium 143.0.1',
    provider,
    threads: 4,
    runtime: '1.30.0',
    adapter: provider === 'webgpu' ? 'acme one' : null,
    emulated: false,
    downloadMs: null,
    createMs: null,
    firstRunMs: null,
    warmup: 1,
    repetitions: 9,
    medianMs,
    p90Ms: null,
    peakBytes: null,
    measuredAt: '2026-01-01T00:00:00Z',
    ...rest,
  });

  describe('among TensorFlow.js and onnxruntime', () => {
    const large = { bundle: 'onnxruntime-web/wasm', brotliBytes: 2_380_000 };
    const small = { bundle: '@tensorflow/tfjs-backend-wasm', brotliBytes: 220_000 };
    /** Measured medians in milliseconds. */
    const variants = (medians: Partial<Record<'wasm-int8' | 'tfjs' | 'tfjs-uint8', number>>) => {
      const measured = (name: keyof typeof medians) =>
        medians[name] === undefined ? [] : [at('wasm', medians[name])];
      const tfjs = { format: 'tfjs', runtime: small } as const;
      return [
        sketch('tfjs-uint8', { ...tfjs, precision: 'uint8', bytes: 3e4, measured: measured('tfjs-uint8') }),
        sketch('tfjs', { ...tfjs, bytes: 1e5, measured: measured('tfjs') }),
        sketch('wasm-int8', {
          precision: 'int8',
          bytes: 3e4,
          runtime: large,
          measured: measured('wasm-int8'),
        }),
      ];
    };
    const fromFolder = (medians: Parameters<typeof variants>[0]) =>
      choose({ webgpu: null }, variants(medians), { tfjs: '/tfjs/' });
    const first = (medians: Parameters<typeof variants>[0]) => fromFolder(medians).candidates[0]!;

    it('keeps to onnxruntime where nothing was measured, TensorFlow.js behind it', () => {
      const selection = fromFolder({});
      expect(names(selection)).toEqual(['wasm-int8/wasm', 'tfjs-uint8/wasm', 'tfjs/wasm']);
      expect(selection.candidates.map((c) => c.bundle)).toEqual([large.bundle, small.bundle, small.bundle]);
    });

    it('takes half floats for TensorFlow.js before float32: fewer bytes for the same computation', () => {
      const sketched = [
        sketch('tfjs', { format: 'tfjs', runtime: small }),
        sketch('tfjs-float16', { format: 'tfjs', runtime: small, precision: 'float16' }),
      ];
      expect(names(choose({ webgpu: null }, sketched, {}))).toEqual(['tfjs-float16/wasm', 'tfjs/wasm']);
    });

    it('takes the smallest first visit among those within a tenth of the fastest, and says so', () => {
      const selection = fromFolder({ 'wasm-int8': 3, tfjs: 3.1, 'tfjs-uint8': 3.29 });
      expect(names(selection)).toEqual(['tfjs-uint8/wasm', 'wasm-int8/wasm', 'tfjs/wasm']);
      expect(selection.candidates[0]!.reason).toBe(
        '0.25 MB to download, not 2.41, and as fast as measured on desktop',
      );
    });

    it('takes the fastest where TensorFlow.js was measured slower', () => {
      expect(first({ 'wasm-int8': 3, tfjs: 3.4 })).toMatchObject({
        bundle: large.bundle,
        reason: 'fastest as measured on desktop',
      });
    });

    it('has threads for TensorFlow.js from a folder or when asked for; a bundler may have broken them', () => {
      const threads = (wishes: object) =>
        choose({ webgpu: null }, variants({}), wishes).candidates.map((c) => c.threads);
      expect(threads({ tfjs: '/tfjs/' })).toEqual([4, 4, 4]);
      expect(threads({})).toEqual([4, 1, 1]);
      expect(threads({ threads: 2 })).toEqual([2, 2, 2]);
    });

    it('takes TensorFlow.js as any other where it is the fastest', () => {
      const { variant, reason } = first({ 'wasm-int8': 3, tfjs: 2 });
      expect([variant.name, reason]).toEqual(['tfjs', 'fastest as measured on desktop']);
    });
  });

  describe('among LiteRT and onnxruntime', () => {
    const ortBuild = { bundle: 'onnxruntime-web/wasm', brotliBytes: 2_380_000 };
    const litertBuild = { bundle: '@litertjs/core', brotliBytes: 2_100_000 };
    /** Measured medians in milliseconds. */
    const variants = (medians: Record<string, number>) => {
      const measured = (name: string) => (medians[name] === undefined ? [] : [at('wasm', medians[name])]);
      const litert = { format: 'litert', runtime: litertBuild } as const;
      return [
        sketch('wasm-int8', {
          precision: 'int8',
          bytes: 3e4,
          runtime: ortBuild,
          measured: measured('wasm-int8'),
        }),
        sketch('float', { providers: ['webgpu', 'wasm'], bytes: 1e5, runtime: ortBuild }),
        sketch('litert-int8', {
          ...litert,
          precision: 'int8',
          bytes: 3e4,
          measured: measured('litert-int8'),
        }),
        sketch('litert', { ...litert, bytes: 1e5 }),
      ];
    };
    const given = { litert: '/litert/' };

    it('takes LiteRT before onnxruntime at the same precision, where nothing was measured', () => {
      const selection = choose({ webgpu: null }, variants({}), given);
      expect(names(selection)).toEqual(['litert-int8/wasm', 'wasm-int8/wasm', 'litert/wasm', 'float/wasm']);
      expect(selection.candidates[0]).toMatchObject({ bundle: '@litertjs/core', threads: 4 });
    });

    it('leaves LiteRT out where nothing says where it is, and says that', () => {
      const selection = choose({ webgpu: null }, variants({}));
      expect(names(selection)).toEqual(['wasm-int8/wasm', 'float/wasm']);
      expect(selection.excluded.filter((e) => e.variant === 'litert-int8')).toEqual([
        { variant: 'litert-int8', provider: 'wasm', reason: 'no address of LiteRT.js: pass `litert`' },
      ]);
      const paths = choose({ webgpu: null }, variants({}), { litertWasmPaths: { 'a.wasm': '/a.wasm' } });
      expect(names(paths)[0]).toBe('litert-int8/wasm');
    });

    it('takes what was measured to be the fastest, of those alike the smallest first visit, and says which', () => {
      const first = (medians: Record<string, number>) =>
        choose({ webgpu: null }, variants(medians), given).candidates[0]!;
      expect(first({ 'wasm-int8': 21, 'litert-int8': 6 })).toMatchObject({
        variant: { name: 'litert-int8' },
        reason: 'fastest as measured on desktop',
      });
      expect(first({ 'wasm-int8': 6, 'litert-int8': 21 }).variant.name).toBe('wasm-int8');
      expect(first({ 'wasm-int8': 6, 'litert-int8': 6.5 })).toMatchObject({
        variant: { name: 'litert-int8' },
        reason: '2.13 MB to download, not 2.41, and as fast as measured on desktop',
      });
    });

    it('puts LiteRT behind onnxruntime on a GPU, where the two were not compared', () => {
      const [, float, , litert] = variants({});
      const both = [{ ...litert!, providers: ['webgpu' as const, 'wasm' as const] }, float!];
      expect(names(choose({}, both, given))).toEqual([
        'float/webgpu',
        'litert/webgpu',
        'litert/wasm',
        'float/wasm',
      ]);
    });
  });

  it('follows what was measured on a device like this one', () => {
    const measured = (change: Partial<BundleMeasurement> = {}) =>
      all.map((v) => {
        if (v.name === 'webgpu-fp16') return { ...v, measured: [at('webgpu', 9, change)] };
        return v.name === 'wasm-int8' ? { ...v, measured: [at('wasm', 3, change)] } : v;
      });
    const selection = choose({}, measured());
    expect(names(selection)).toEqual([
      'wasm-int8/wasm',
      'webgpu-q4/webgpu',
      'float/webgpu',
      'webgpu-fp16/webgpu',
      'float/wasm',
    ]);
    expect(selection.candidates[0]!.reason).toBe('fastest as measured on desktop');
    for (const unlike of [{ device: 'phone' }, { host: 'Firefox 140.0' }, { adapter: 'other two' }])
      expect(names(choose({}, measured(unlike)))[0]).toBe('webgpu-fp16/webgpu');
    expect(names(choose({ isolated: false }, measured()))[0], 'measured with threads').toBe(
      'webgpu-fp16/webgpu',
    );
  });

  it('believes a real device before one that is emulated, though more was measured there', () => {
    const phone = { device: 'phone emulated on desktop', emulated: true };
    const variants = (['wasm-int8', 'float', 'q4'] as const).map((name, i) =>
      sketch(name, {
        precision: name === 'wasm-int8' ? 'int8' : name === 'q4' ? 'q4' : 'float32',
        measured: [
          at('wasm', 9 - 3 * i, phone),
          ...(name === 'q4' ? [] : [at('wasm', 3 + 3 * i, { device: 'Pixel 9' })]),
        ],
      }),
    );
    const mobile = { webgpu: null, mobile: true };
    expect(choose(mobile, variants).candidates.map((c) => [c.variant.name, c.reason])).toEqual([
      ['wasm-int8', 'fastest as measured on Pixel 9'],
      ['float', 'fastest as measured on Pixel 9'],
      ['q4', 'made for wasm'],
    ]);
    const emulatedOnly = variants.map((v) => ({ ...v, measured: v.measured!.slice(0, 1) }));
    expect(choose(mobile, emulatedOnly).candidates[0]!.variant.name).toBe('q4');
  });

  it('takes from a device with another GPU what was measured on wasm there', () => {
    const measured = [
      sketch('webgpu-fp16', { providers: ['webgpu'], measured: [at('webgpu', 1, { adapter: 'other two' })] }),
      sketch('wasm-int8', { precision: 'int8', measured: [at('wasm', 9)] }),
      sketch('float', { measured: [at('wasm', 3)] }),
    ];
    const selection = choose({}, measured);
    expect(names(selection).slice(-2)).toEqual(['float/wasm', 'wasm-int8/wasm']);
    expect(names(selection)[0]).toBe('webgpu-fp16/webgpu');
  });
});

describe('looking at the device', () => {
  it('finds SIMD and no GPU in Node', async () => {
    expect(await detectDevice(true)).toMatchObject({ webgpu: null, wasmSimd: true });
  });

  it('knows the families of browsers', () => {
    const chrome =
      'Mozilla/5.0 (X11; Linux) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36';
    const safari =
      'Mozilla/5.0 (iPhone) AppleWebKit/605.1 (KHTML, like Gecko) Version/18.0 Mobile Safari/604.1';
    const firefox = 'Mozilla/5.0 (X11; Linux; rv:140.0) Gecko/20100101 Firefox/140.0';
    expect([chrome, safari, firefox, 'Edge 143', 'node 20'].map(browserOf)).toEqual([
      'chromium',
      'safari',
      'firefox',
      'chromium',
      'other',
    ]);
  });
});
