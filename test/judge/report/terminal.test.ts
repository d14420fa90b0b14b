import { describe, expect, it } from 'vitest';
import { renderHeader, renderOutcome, renderTable } from '../../../src/judge/report/terminal.ts';
import { latency, sampleReport } from './sample.ts';

const plain = { colour: false, width: 80 };
const slow = sampleReport({
  latency: [
    latency('before', 'this machine', 'wasm', 1, 40),
    latency('after', 'this machine', 'wasm', 1, 67),
  ],
});
// biome-ignore lint/suspicious/noControlCharactersInRegex: the escape codes of colours
const codes = /\u001b\[\d+m/g;

const both = (...args: Parameters<typeof renderOutcome>) => renderHeader(...args) + renderOutcome(...args);

describe('renderOutcome', () => {
  it('fits 80 columns, with colour and without', () => {
    for (const report of [sampleReport(), slow])
      for (const colour of [true, false])
        for (const line of both(report, { colour, width: 80 }).replace(codes, '').split('\n'))
          expect([...line].length, line).toBeLessThanOrEqual(80);
  });

  it('writes no escape code without colour', () => {
    expect(renderOutcome(slow, plain)).not.toContain('\u001b');
    expect(renderOutcome(slow, { colour: true, width: 80 })).toContain('\u001b[31m✖ Slower');
  });

  it('shows the same words with colour and without', () => {
    expect(renderOutcome(slow, { colour: true, width: 80 }).replace(codes, '')).toBe(
      renderOutcome(slow, plain),
    );
  });

  it('says that it is slower on the first line', () => {
    expect(renderOutcome(slow, plain).split('\n')[0]).toMatch(/✖ Slower than the original: 66\.7 ms/);
  });

  it('says what the result amounts to, after bad news and before all figures', () => {
    const lines = renderOutcome(slow, { colour: false, width: 200 }).split('\n');
    const at = lines.indexOf(`  ${slow.verdict.headline}`);
    expect(at).toBeGreaterThan(0);
    expect(at).toBeLessThan(lines.findIndex((line) => line.includes('parameters')));
  });

  it('says which samples were left out', () => {
    const data = { ...sampleReport().data!, leftOut: ['a.png', 'b.png'] };
    expect(renderHeader(sampleReport({ data }), { colour: false, width: 200 })).toContain(
      "left out 2 that can't be read: a.png, b.png",
    );
  });

  it('shows sizes, quality, latency and memory before and after', () => {
    const text = renderOutcome(sampleReport(), plain);
    for (const line of [
      /^ {2}file +14\.0 MB +3\.69 MB +3\.8 times smaller$/m,
      /^ {2}brotli +12\.9 MB +3\.26 MB +\+ runtime 2\.67 MB$/m,
      /^ {2}same top-1 +– +98\.3 % +SQNR 24\.1 dB$/m,
      /^ {2}top-1 +82\.3 % +82\.0 % +−0\.3 points/m,
      /^ {2}latency p50 +40\.1 ms +36\.8 ms +1\.09 times faster · wasm, this machine$/m,
      /^ {2}memory peak +62\.0 MB +41\.0 MB/m,
      /^ {2}kept in float +17 Conv: slower in int8: depthwise/m,
      /^ {2}worst layers +features\.1\.conv\.2 \(12\.2 dB\)/m,
      /^ {2}→ mobilenetv2\.int8\.onnx$/m,
    ])
      expect(text).toMatch(line);
  });

  it('says what was not measured, and never zero', () => {
    const text = renderOutcome(
      sampleReport({ data: null, compare: null, evaluation: null, latency: [], memory: null }),
      plain,
    );
    expect(text).toMatch(/latency p50 +– +not measured/);
    expect(text).toMatch(/quality +– +not measured/);
    expect(text).not.toMatch(/ 0 ms|0\.0 %/);
  });

  it('says where a .tflite file is timed, and with which command', () => {
    const { result } = sampleReport();
    const text = renderOutcome(
      sampleReport({ latency: [], result: { ...result, file: 'm.tflite' }, files: ['out/m.tflite'] }),
      plain,
    );
    expect(text.replace(/\s+/g, ' ')).toMatch(
      /latency p50 – not measured LiteRT\.js runs in browsers: compress profile out\/m\.tflite --device chromium/,
    );
  });

  it('lets no escape sequence of a layer name through', () => {
    const layers = sampleReport().layers.map((layer) => ({
      ...layer,
      name: '\u001b[2J\u202egood',
      sqnrDb: 3,
    }));
    const text = renderOutcome(sampleReport({ layers }), plain);
    expect(text).toContain('good');
    expect([...text].filter((char) => char === '\u001b' || char === '\u202e')).toEqual([]);
  });
});

describe('renderTable', () => {
  it('wraps the last column under itself and cuts a word longer than the line', () => {
    const text = renderTable(
      [
        ['a', 'x'.repeat(40)],
        ['longer', 'one two three four'],
      ],
      { colour: false, width: 26 },
    );
    expect(text).toBe(
      [
        `  a       ${'x'.repeat(16)}`,
        `          ${'x'.repeat(16)}`,
        `          ${'x'.repeat(8)}`,
        '  longer  one two three',
        '          four',
        '',
      ].join('\n'),
    );
  });
});
