import { describe, expect, it } from 'vitest';
import { renderBundleHtml } from '../../../src/judge/report/bundle-html.ts';
import { renderBundleMarkdown } from '../../../src/judge/report/bundle-markdown.ts';
import { bundleReportSchema, groupByDevice, qualityOf } from '../../../src/judge/report/bundle-report.ts';
import { headlineOf, newsOf } from '../../../src/judge/report/bundle-summary.ts';
import { measuredOn, names, sampleBundleReport, sampleRuns, sampleVariants } from './sample-bundle.ts';

const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)>|[x](http://e.vil)`;

describe('runs by device', () => {
  it('never mixes emulated and real, and puts real ones first', () => {
    const devices = groupByDevice(sampleRuns, sampleVariants);
    expect(devices.map((d) => [d.device, d.emulated])).toEqual([
      ['a laptop', false],
      ['phone emulated on a laptop', true],
    ]);
  });

  it('has the fastest first, what was not measured last, and a row for what nobody tried', () => {
    const [laptop, phone] = groupByDevice(sampleRuns, sampleVariants);
    expect(names(laptop!.runs)).toEqual(['wasm-int8', 'float', 'webgpu-fp16']);
    expect(names(phone!.runs)).toEqual(['float', 'wasm-int8', 'webgpu-fp16']);
    expect(phone!.runs[2]).toMatchObject({ measured: null, reason: 'not tried on this device' });
  });

  it('lets the later of two measurements stand, but no failure take a measurement away', () => {
    const failed = { ...measuredOn('float', 1), measured: null, reason: 'it crashed' };
    const [device] = groupByDevice([measuredOn('float', 40), measuredOn('float', 30), failed], []);
    expect(device!.runs.map((run) => run.measured?.medianMs)).toEqual([30]);
  });
});

describe('what is said first', () => {
  it('names the smallest download and the fastest run on a real device', () => {
    expect(headlineOf(sampleBundleReport())).toBe(
      'mobilenetv2: 3 variants, the smallest is 3.33 MB to download (3.8 times smaller than float) and takes 20.0 ms a run on wasm (Chromium 140, a laptop)',
    );
  });

  it('names a browser before Node, whichever was measured first', () => {
    const runs = [{ ...measuredOn('wasm-int8', 5), host: 'node 20.20.2' }, measuredOn('wasm-int8', 20)];
    const report = sampleBundleReport({ devices: groupByDevice(runs, sampleVariants) });
    expect(report.verdict.headline).toContain('20.0 ms a run on wasm (Chromium 140, a laptop)');
  });

  it('names the fastest where that is another than the smallest', () => {
    const runs = [measuredOn('float', 10), measuredOn('wasm-int8', 20)];
    const report = sampleBundleReport({ devices: groupByDevice(runs, sampleVariants) });
    expect(report.verdict.headline).toMatch(
      /smaller than float\) and takes 20\.0 ms a run on wasm; float, 12\.\d MB, is the fastest: 10\.0 ms a run on wasm \(Chromium 140, a laptop\)$/,
    );
  });

  it('says one reason once, in Markdown and HTML as in the value', async () => {
    const refused = ['litert-int8', 'litert'].map((name) => ({ name, reason: 'GridSample has no form.' }));
    const report = sampleBundleReport({ refused });
    const text = 'Not in the bundle: litert-int8 and litert, GridSample has no form.';
    expect(report.verdict).toMatchObject({ level: 'bad', warnings: [{ level: 'bad', text }] });
    expect(renderBundleMarkdown(report)).toContain(`- ❌ ${text}`);
    expect(await renderBundleHtml(report)).toContain('litert-int8 and litert');
  });

  it('tells of lost accuracy, of what was refused, of noise for data, and of speed that nobody measured', () => {
    const worse = sampleVariants.map((v) => ({ ...v, accuracy: { ...v.accuracy!, value: 0.79 } }));
    const synthetic = { source: 'noise', calibrationSamples: 0, evaluationSamples: 8, synthetic: true };
    const news = newsOf(
      sampleBundleReport({
        variants: worse,
        refused: [{ name: 'webgpu-q4', reason: 'SQNR 3 dB' }],
        data: synthetic,
        devices: [],
      }),
    );
    expect(news.map((n) => n.level)).toEqual(['bad', 'bad', 'bad', 'bad', 'warn', 'warn']);
    expect(news.map((n) => n.text).join('\n')).toMatch(
      /79\.0 % .* 82\.0 %[\s\S]*webgpu-q4[\s\S]*made-up[\s\S]*not measured/,
    );
    expect(newsOf(sampleBundleReport())).toEqual([]);
  });

  it('says so when only emulated devices measured', () => {
    const devices = sampleBundleReport().devices.filter((d) => d.emulated);
    expect(newsOf(sampleBundleReport({ devices }))[0]?.text).toMatch(/emulated devices only/);
  });

  it('takes accuracy, else agreement on real data, else the distance', () => {
    const plain = { ...sampleVariants[1]!, accuracy: null };
    const real = sampleBundleReport().data!;
    expect(qualityOf(sampleVariants[1]!, real)).toMatchObject({ metric: 'top-1 accuracy', value: 0.815 });
    expect(qualityOf(plain, real)).toMatchObject({ metric: 'same top-1', value: 0.96 });
    expect(qualityOf(plain, { ...real, synthetic: true })).toMatchObject({ metric: 'SQNR', value: 20 });
    expect(qualityOf({ ...plain, parity: [] }, real)).toBeNull();
  });
});

describe('the views of a bundle', () => {
  it('are of a value that its schema takes', () => {
    expect(bundleReportSchema.parse(sampleBundleReport())).toEqual(sampleBundleReport());
  });

  it('are the same bytes for the same report, and refer to nothing outside', async () => {
    const page = await renderBundleHtml(sampleBundleReport());
    expect(await renderBundleHtml(sampleBundleReport())).toBe(page);
    for (const [, link] of page.matchAll(/(?:src|href)="([^"]*)"/g)) expect(link).toMatch(/^data:/);
  });

  it('show each device with its figures, marked where it is emulated, and what was not measured with the reason', async () => {
    const page = await renderBundleHtml(sampleBundleReport());
    const text = renderBundleMarkdown(sampleBundleReport());
    for (const view of [page, text])
      for (const words of [
        '20.0 ms',
        '25.0 ms',
        '160.0 ms',
        '31.5/s',
        'shader-f16',
        'not tried on this device',
      ])
        expect(view).toContain(words);
    expect(page.match(/<span class="badge warn">emulated<\/span>/g)).toHaveLength(1);
    expect(text).toMatch(/\*\*phone emulated on a laptop · Chromium 140\.0\*\* {2}\nemulated · /);
    expect(text).toMatch(
      /\| wasm-int8 \| wasm \| 60\.0 ms \| 5\.00 ms \| \*\*20\.0 ms\*\* \| 25\.0 ms \| – \|/,
    );
  });

  it('draw size against quality, and leave it out where nothing was compared', async () => {
    expect(await renderBundleHtml(sampleBundleReport())).toContain('<figure id="variants">');
    const bare = sampleVariants.map((v) => ({ ...v, accuracy: null, parity: [] }));
    const page = await renderBundleHtml(sampleBundleReport({ variants: bare, devices: [] }));
    expect(page).not.toContain('<figure');
    expect(page.match(/not measured/g)!.length).toBeGreaterThan(3);
  });

  it('escape names, devices and reasons', async () => {
    const devices = groupByDevice(
      [measuredOn(evil, 3, { device: evil, host: evil })],
      [{ name: `${evil}2` }],
    );
    const report = sampleBundleReport({
      name: evil,
      command: evil,
      devices,
      variants: sampleVariants.map((v) => ({ ...v, name: evil })),
      refused: [{ name: evil, reason: evil }],
    });
    const page = await renderBundleHtml(report);
    expect(page).not.toMatch(/<img|<script>alert/);
    const text = renderBundleMarkdown(report).replace(/```[\s\S]*```/g, '');
    expect(text).not.toMatch(/<script|<img|\]\(http/);
  });
});
