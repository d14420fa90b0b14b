import { describe, expect, it } from 'vitest';
import { renderHtml } from '../../../src/judge/report/html.ts';
import { reportSchema } from '../../../src/judge/report/report.ts';
import { sampleReport } from './sample.ts';

const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)></svg></script>`;

/** A section of a page, by its id. */
const section = (page: string, id: string) =>
  new RegExp(`<section aria-labelledby="${id}-title">(.*?)</section>`, 's').exec(page)![1]!;

describe('renderHtml', () => {
  it('gives the same bytes for the same report', async () => {
    expect(await renderHtml(sampleReport())).toBe(await renderHtml(sampleReport()));
  });

  it('refers to nothing outside itself', async () => {
    const page = await renderHtml(sampleReport());
    const links = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1]);
    for (const link of links) expect(link).toMatch(/^data:/);
    expect(page).not.toMatch(/@import|url\(\s*["']?https?:/);
  });

  it('has each chart twice, with a text and a table for it', async () => {
    const page = await renderHtml(sampleReport());
    for (const id of ['variants', 'latency', 'bytes', 'quality'])
      expect(page).toContain(`<figure id="${id}">`);
    expect(page.match(/<svg /g)).toHaveLength(8);
    expect(page.match(/role="img" aria-label="[^"]{40,}"/g)).toHaveLength(8);
    expect(page.match(/<figcaption>/g)).toHaveLength(4);
    expect(page.match(/<summary>The numbers<\/summary>/g)).toHaveLength(4);
  });

  it('says each figure once: what stands on a card is in no table below', async () => {
    const page = await renderHtml(sampleReport());
    const rows = [...section(page, 'summary').matchAll(/<th scope="row"[^>]*>([^<]*)</g)].map((m) => m[1]);
    expect(rows).toEqual(['gzip', 'parameters', 'MACs', 'top-5', 'latency p50']);
    const cards = /<dl class="numbers">(.*?)<\/dl><\/section>/s.exec(page)![1]!;
    expect(cards.match(/<div class="card">/g)).toHaveLength(5);
    for (const [figure] of cards.matchAll(/(?<=<dd class="big">)[^<]+/g))
      expect(section(page, 'summary')).not.toContain(`>${figure}<`);
  });

  it('has no sentence twice outside of charts and what can be copied', async () => {
    const page = await renderHtml(sampleReport());
    const text = page.replace(/<(script|style|pre|svg|details)\b.*?<\/\1>/gs, '');
    const sentences = text.split(/<[^>]+>|\n/).filter((part) => part.length > 25);
    expect(sentences.length).toBeGreaterThan(10);
    expect(sentences.filter((s, i) => sentences.indexOf(s) !== i)).toEqual([]);
  });

  it('draws no chart of two points: the headline says the same', async () => {
    const { variants } = sampleReport();
    expect(await renderHtml(sampleReport({ variants: variants.slice(1, 3) }))).not.toContain('id="variants"');
  });

  it('leaves out the charts and sections that have nothing to show', async () => {
    const page = await renderHtml(
      sampleReport({
        layers: [],
        variants: [],
        latency: [],
        compare: null,
        evaluation: null,
        data: null,
        skipped: [],
        next: [],
        stages: [],
        memory: null,
      }),
    );
    expect(page).not.toMatch(/<figure|Left alone|disagree-title/);
    expect(page).toContain('not measured');
  });

  it('escapes names in text, in charts and in the embedded JSON', async () => {
    const base = sampleReport();
    const page = await renderHtml(
      sampleReport({
        command: evil,
        source: { ...base.source, file: evil, producer: evil },
        result: { ...base.result, file: evil },
        layers: base.layers.map((layer) => ({ ...layer, name: evil, opType: evil, reason: evil })),
        variants: base.variants.map((variant) => ({ ...variant, name: evil })),
        latency: base.latency.map((timing) => ({ ...timing, device: evil })),
        compare: {
          ...base.compare!,
          disagreements: [
            { id: evil, before: evil, after: evil, truth: evil, picture: 'https://evil.example/x.png' },
            { id: 'b', before: 'b', after: 'c', truth: null, picture: 'data:image/svg+xml;base64,PHN2Zz4=' },
            {
              id: 'c',
              before: 'b',
              after: 'c',
              truth: null,
              picture: 'data:image/png;base64,AAAA" onerror="alert(1)',
            },
          ],
        },
        recipe: { note: evil },
      }),
    );
    expect(page).not.toMatch(/<script>alert|<img src=x|onerror="/);
    expect(page).not.toMatch(/<img /);
    expect(page.match(/<\/script>/g)).toHaveLength(2);
  });

  it('says what the colours on drawn pictures mean', async () => {
    const base = sampleReport();
    const one = { ...base.compare!.disagreements[0]!, drawn: 'boxes' as const };
    const page = await renderHtml(sampleReport({ compare: { ...base.compare!, disagreements: [one] } }));
    expect(section(page, 'disagree')).toContain('<ul class="pictures drawn">');
    expect(section(page, 'disagree').match(/class="swatch only-(before|after)"/g)).toHaveLength(2);
    expect(section(await renderHtml(base), 'disagree')).not.toContain('swatch');
  });

  it('embeds the whole report as JSON that reads back', async () => {
    const report = sampleReport({ recipe: { note: `${evil}\u2028` } });
    const page = await renderHtml(report);
    const json = /<script type="application\/json" id="report-data">(.*?)<\/script>/s.exec(page)![1]!;
    expect(reportSchema.parse(JSON.parse(json))).toEqual(report);
  });

  it('draws a model of a thousand layers without a thousand tiles', async () => {
    const { layers } = sampleReport();
    const many = Array.from({ length: 1000 }, (_, i) => ({
      ...layers[i % layers.length]!,
      name: `layer.${i}`,
    }));
    const page = await renderHtml(sampleReport({ layers: many }));
    expect(page).toContain('952 smaller layers');
    // Two thirds are table rows and dots; what grows with the model must stay a few hundred bytes a layer.
    expect(page.length).toBeLessThan(2_500_000);
  });

  it('draws timings and values at the edge of what can come', async () => {
    const base = sampleReport();
    const page = await renderHtml(
      sampleReport({
        latency: base.latency.map((t) => ({ ...t, samplesMs: [t.medianMs, 900], p90Ms: t.medianMs })),
        layers: base.layers.map((layer) => ({ ...layer, sqnrDb: -3, weightBytesAfter: 0 })),
        variants: base.variants.map((v) => ({ ...v, value: 0.5, sizeBytes: 1000 })),
      }),
    );
    const { length } = base.latency;
    expect(page).toContain(`stand for slower runs: ${length} of ${2 * length}, up to 900.0 ms.`);
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
  });
});
