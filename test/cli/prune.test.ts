/** Pruning on the command line: with data, what is left is fitted to the original's answers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digits } from '../../scripts/fixtures/data/index.ts';
import { type Report, reportSchema } from '../../src/judge/report/report.ts';
import { encodeNpy } from '../../src/model/formats/npy.ts';
import { createWorkspace, type Workspace } from './program.ts';

let w: Workspace;
beforeEach(() => {
  w = createWorkspace();
  w.copy('digits-cnn');
  const { image } = digits({ train: 260, heldOut: 0, seed: 4, input: 'image' }).train;
  writeFileSync(w.path('digits.npz'), zipSync({ 'image.npy': encodeNpy(image!) }));
});
afterEach(() => w.remove());

async function prune(...more: readonly string[]): Promise<Report> {
  const args = [
    'digits-cnn.onnx',
    '--macs',
    '0.5',
    '--data',
    'digits.npz',
    '--evaluate',
    '160',
    '--no-measure',
  ];
  const { code, stderr } = await w.run([...args, ...more]);
  expect(code, stderr).toBe(0);
  const text = readFileSync(w.path('digits-cnn.pruned.report.json'), 'utf8');
  return reportSchema.parse(JSON.parse(text));
}

const said = ({ stages }: Report) => stages.find((s) => s.name === 'prune')!.summary;
const sqnr = ({ compare }: Report) => compare!.outputs[0]!.sqnrDb!;
const agreement = ({ steps }: Report) => steps!.find((s) => s.name === 'prune')!.value!;

describe('compress --macs', () => {
  it('fits what is left to the original where there is data, and says so', async () => {
    const fitted = await prune();
    expect(said(fitted)).toMatch(/\d layers fitted to the original's answers/);
    const bare = await prune('--no-reconstruct', '--force');
    expect(said(bare)).not.toContain('fitted');
    expect(fitted.result.macs).toBe(bare.result.macs);
    expect(agreement(fitted)).toBeGreaterThanOrEqual(agreement(bare));
    // A quarter of the error, in power, at most; a tenth was seen.
    expect(sqnr(fitted)).toBeGreaterThan(sqnr(bare) + 6);
  }, 60_000);
});
