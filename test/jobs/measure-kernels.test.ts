/** Which kinds of products compute in int8 is measured on the machine at hand, and remembered. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compress } from '../../src/jobs/compress.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgepress-kernels-'));
const before = process.env['XDG_CACHE_HOME'];
beforeAll(() => {
  process.env['XDG_CACHE_HOME'] = folder;
});
afterAll(() => {
  if (before === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = before;
  rmSync(folder, { recursive: true, force: true });
});

const kept = join(folder, 'edgepress', 'kernels');

async function run(options: object = {}) {
  const said: string[] = [];
  const { report } = await compress('fixtures/models/glyphs-cnn.onnx', {
    ...{ int8: true, data: 'fixtures/data/glyphs', calibrate: 8, compare: false },
    onProgress: (p) => p.kind === 'end' && p.step === 'choose' && said.push(p.text),
    ...options,
  });
  const stages = (report.recipe as { stages: { passes: { pass: string; options: object }[] }[] }).stages;
  const quantise = stages.flatMap((s) => s.passes).find((p) => p.pass === 'quantize-static');
  const layers = Object.fromEntries(report.layers.map((l) => [l.name, l.precision]));
  const given = quantise?.options as { faster?: Record<string, boolean> } | undefined;
  return { said, options: given ?? {}, layers, precision: report.precision };
}

describe('kinds of products', () => {
  it('are measured for the page once, and what was found is taken the next time', async () => {
    // Nobody watches: what is counted must not hang on being told.
    const { layers } = await run({ onProgress: undefined });
    const [file] = readdirSync(kept);
    const found = JSON.parse(readFileSync(join(kept, file!), 'utf8'));
    expect(found.kinds).toBeGreaterThan(1);
    expect(found.tried).toBeGreaterThan(0);
    // As if the machine had found that few convolutions gain.
    const faster = { 'Conv 16-31 clamped': false, 'Conv 128+ clamped': false };
    writeFileSync(join(kept, file!), JSON.stringify({ ...found, tried: found.kinds, faster }));
    const again = await run();
    expect(again.said).toEqual([expect.stringContaining('measured before')]);
    expect(again.options.faster).toEqual(faster);
    const integers = (of: object) => Object.values(of).filter((precision) => precision === 'int8').length;
    expect(integers(again.layers)).toBeLessThan(integers(layers));
  });

  it('are those of the table where nothing is to be measured, everything is to be int8, or the runtime is not here', async () => {
    for (const options of [{ measure: false }, { everywhere: true }, { target: 'mobile' }]) {
      const { said, options: given } = await run(options);
      expect([said, given.faster]).toEqual([[], undefined]);
    }
  });

  it('are measured for Node on its own runtime', async () => {
    const { said } = await run({ target: 'node' });
    expect(said).toHaveLength(1);
    expect(readdirSync(kept)).toHaveLength(2);
  });

  it('are measured anew where other options decide what else computes in integers', async () => {
    const { said } = await run({ perTensor: true });
    expect(said).toHaveLength(1);
    expect(said[0]).not.toContain('measured before');
    expect(readdirSync(kept)).toHaveLength(3);
  });

  it('have int8 given up where it takes longer than floats, unless somebody said that it is to compute', async () => {
    const [file] = readdirSync(kept).filter((name) => {
      const found = JSON.parse(readFileSync(join(kept, name), 'utf8'));
      return found.faster['Conv 16-31 clamped'] === false;
    });
    const found = JSON.parse(readFileSync(join(kept, file!), 'utf8'));
    writeFileSync(join(kept, file!), JSON.stringify({ ...found, ofFloat: 1.4 }));
    const given = await run();
    expect(given.precision).toMatchObject({ mode: 'weight-only', slower: 1.4 });
    const told = await run({ int8: 'static' });
    expect(told.precision.mode).toBe('static');
    expect(told.precision.slower).toBeUndefined();
  });
});
