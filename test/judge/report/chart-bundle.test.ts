import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { drawWith } from '../../../src/judge/report/html/chart.ts';

const entry = fileURLToPath(new URL('../../../src/judge/report/html/echarts.ts', import.meta.url));

it('charts lose nothing where the build takes only what they name of echarts: labels that do not fit are left out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-charts-'));
  try {
    const outfile = join(folder, 'echarts.mjs');
    await build({ entryPoints: [entry], outfile, bundle: true, format: 'esm', platform: 'node' });
    const draw = drawWith(await import(outfile));
    const tiles = [
      { name: 'wide enough', value: 99 },
      { name: 'too long for the narrow tile', value: 1 },
    ];
    const series = {
      type: 'treemap',
      data: tiles,
      visibleMin: 0,
      label: { show: true, overflow: 'none' },
      labelLayout: ({ rect, labelRect }: Record<'rect' | 'labelRect', { width: number }>) =>
        labelRect.width > rect.width ? { x: -1e4, y: -1e4 } : {},
    };
    const chart = { id: 'c', title: '', description: '', legend: [], table: '' as never };
    const svg = draw(
      { ...chart, height: { wide: 200, narrow: 200 }, option: () => ({ series: [series] }) },
      { width: 300, height: 200, narrow: true },
    );
    expect(svg).toContain('wide enough');
    expect(svg).not.toContain('too long');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
