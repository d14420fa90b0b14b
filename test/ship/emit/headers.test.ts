import { describe, expect, it } from 'vitest';
import { headerFiles } from '../../../src/ship/emit/headers.ts';

const texts = (url: string, precompressed = false) =>
  Object.fromEntries(
    headerFiles(url, precompressed).map(({ path, bytes }) => [path, new TextDecoder().decode(bytes)]),
  );

describe('header files', () => {
  it('isolate pages, keep the model fresh and name the type of wasm for every kind of hosting', () => {
    for (const text of Object.values(texts('/model/'))) {
      expect(text).toMatch(/Cross-Origin-Opener-Policy\W+(value\W+)?same-origin/);
      expect(text).toMatch(/Cross-Origin-Embedder-Policy\W+(value\W+)?require-corp/);
      expect(text).toMatch(/Cache-Control\W+(value\W+)?no-cache/);
      expect(text).toContain('application/wasm');
      expect(text).toContain('/model/');
    }
  });

  it('are JSON for Vercel, a header a pair', () => {
    const { headers } = JSON.parse(texts('/model/')['headers/vercel.json']!) as {
      headers: { source: string; headers: { key: string; value: string }[] }[];
    };
    expect(headers.map((h) => h.source)).toEqual(['/(.*)', '/model/(.*)', '/(.*)\\.wasm']);
    expect(headers[1]!.headers).toContainEqual({ key: 'Cache-Control', value: 'no-cache' });
  });

  it('repeat the isolation in every nginx location, since nginx does not inherit headers into one that adds its own', () => {
    const nginx = texts('/model/')['headers/nginx.conf']!;
    const locations = nginx.match(/location /g)!.length;
    expect(nginx.match(/Cross-Origin-Embedder-Policy/g)).toHaveLength(locations);
    expect(nginx).not.toContain('brotli_static');
    expect(texts('/model/', true)['headers/nginx.conf']).toContain('brotli_static on;');
  });

  it.each(['model', '/model', 'model/', '//model//'])('take %s for /model/', (url) => {
    expect(texts(url)).toEqual(texts('/model/'));
  });

  it('serve a bundle at the root of a site', () => {
    expect(texts('/')['headers/_headers']).toContain('\n/*\n');
  });
});
