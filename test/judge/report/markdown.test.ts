import { describe, expect, it } from 'vitest';
import { renderMarkdown } from '../../../src/judge/report/markdown.ts';
import { latency, sampleReport } from './sample.ts';

describe('renderMarkdown', () => {
  it('has the verdict first, then the table, and the rest folded', () => {
    const text = renderMarkdown(sampleReport());
    expect(text.split('\n')[0]).toMatch(/^### ✅ 3\.8 times smaller/);
    expect(text).toContain('| file | 14.0 MB | 3.69 MB | 3.8 times smaller |');
    expect(text.match(/<details>/g)).toHaveLength(4);
    expect(text.match(/<\/details>/g)).toHaveLength(4);
  });

  it('lists bad news under the headline', () => {
    const timings = [
      latency('before', 'this machine', 'wasm', 1, 40),
      latency('after', 'this machine', 'wasm', 1, 67),
    ];
    const text = renderMarkdown(sampleReport({ latency: timings }));
    expect(text.split('\n')[0]).toMatch(/^### ❌/);
    expect(text.split('\n')[2]).toMatch(/^- ❌ Slower than the original/);
  });

  it('keeps names from breaking out of cells, code and folds', () => {
    const evil = 'a|b`</details><img src=x onerror=alert(1)>\n## @everyone [x](https://evil.example)';
    const base = sampleReport();
    const text = renderMarkdown(
      sampleReport({
        layers: base.layers.map((layer) => ({ ...layer, name: evil, opType: evil, reason: evil })),
        source: { ...base.source, file: evil },
      }),
    );
    // Outside code spans nothing of it is markup any more.
    const prose = text.replace(/(`+)[^`](?:(?!\1)[\s\S])*?\1/g, '');
    expect(prose).not.toMatch(/<img|[^\\]\[x\]|@everyone/);
    expect(prose).not.toMatch(/^## /m);
    expect(prose.match(/<\/details>/g)).toHaveLength(4);
  });
});
