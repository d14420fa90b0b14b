import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bundleReportSchema } from '../../src/judge/report/bundle-report.ts';
import { createWorkspace, data, type Workspace } from './program.ts';

let w: Workspace;
beforeEach(() => {
  w = createWorkspace();
  w.copy('glyphs-cnn');
});
afterEach(() => w.remove());

const bundle = ['bundle', 'glyphs-cnn.onnx', '-o', 'model', '--targets', 'wasm', '--no-demo', '--no-cache'];
const glyphs = ['--data', data('glyphs'), '--calibrate', '20', '--evaluate', '20'];
const text = (name: string) => readFileSync(w.path(name), 'utf8');
const report = (name: string) => bundleReportSchema.parse(JSON.parse(text(name)));

describe('the report of a bundle', () => {
  it('is written by bundle, and grows by what profile measures', async () => {
    const files = ['--precompress', '--report', 'r.html,r.md,r.json'];
    const made = await w.run([...bundle, ...glyphs, ...files]);
    expect(made.stderr).not.toMatch(/error/i);
    expect(made.code).toBe(0);
    expect(made.stdout).toMatch(/→ model .*files\n {2}→ r\.html\n {2}→ r\.md\n {2}→ r\.json/);
    // A .br beside each model file is what a server sends in its place.
    for (const name of readdirSync(w.path('model/onnx')).filter((n) => n.endsWith('.onnx')))
      expect(brotliDecompressSync(readFileSync(w.path(`model/onnx/${name}.br`)))).toEqual(
        readFileSync(w.path(`model/onnx/${name}`)),
      );
    expect(text('model/headers/nginx.conf')).toContain('brotli_static on;');
    expect(report('r.json')).toMatchObject({
      source: { file: 'glyphs-cnn.onnx' },
      data: { source: expect.stringContaining('glyphs'), evaluationSamples: 20, synthetic: false },
      devices: [],
    });
    // Of two variants a sentence says more than a chart.
    expect(text('r.html')).not.toContain('<figure id="variants">');
    for (const { name } of report('r.json').variants) expect(text('r.html')).toContain(name);
    expect(text('r.md')).toMatch(/Speed was not measured yet/);

    const measured = await w.run([
      ...['profile', 'model', '--device', 'wasm,node', '--throughput', '1,4', '--report', 'r.html,r.json'],
    ]);
    expect(measured.code).toBe(0);
    expect(measured.stdout).toMatch(/→ model\/edgepress\.json\n {2}→ r\.html\n {2}→ r\.json/);
    const { devices } = report('r.json');
    const wasm = devices.find((d) => d.runs.some((run) => run.provider === 'wasm'))!;
    expect(wasm.emulated).toBe(false);
    expect(wasm.runs.map((run) => run.variant).sort()).toEqual(['float', 'wasm-int8']);
    for (const run of wasm.runs) {
      expect(run.measured!.medianMs).toBeGreaterThan(0);
      expect(Object.keys(run.measured!.throughput)).toEqual(['1', '4']);
    }
    // Nothing in it is for Node's own runtime: that is said, not left out.
    expect(devices.flatMap((d) => d.runs).filter((run) => run.provider === 'cpu')).toHaveLength(2);
    expect(text('r.html')).toMatch(/not measured, made for wasm/);
  });

  it('is of one model too, where that is what is profiled', async () => {
    const { code } = await w.run(['profile', 'glyphs-cnn.onnx', '--device', 'wasm', '--report', 'r.json']);
    expect(code).toBe(0);
    const { source, variants, devices } = report('r.json');
    expect(source).toBeNull();
    expect(variants).toMatchObject([{ name: 'glyphs-cnn.onnx', precision: null }]);
    expect(devices[0]!.runs[0]!.measured!.intervalMs).not.toBeNull();
  });

  it('is refused before any work where it could not be written', async () => {
    const wrong = await w.run([...bundle, '--report', 'report.pdf']);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(/\.html, \.md or \.json/);
    const lost = await w.run(['profile', 'glyphs-cnn.onnx', '--report', 'nowhere/r.html']);
    expect(lost.code).toBe(2);
    expect(existsSync(w.path('model'))).toBe(false);
  });
});
