import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EdgepressError } from '../../src/runtime/errors.ts';
import { fileUrl } from '../../src/runtime/fetch.ts';
import { parseManifest } from '../../src/runtime/parse-manifest.ts';
import { makeBundle } from './bundle.ts';

const bundle = () =>
  structuredClone(makeBundle([{ name: 'v', model: new Uint8Array(9), shards: 2 }]).manifest);
const invalid = expect.objectContaining({ code: 'MANIFEST_INVALID' });

describe("the runtime's reading of a manifest", () => {
  it('takes what the real schema takes', () => {
    expect(parseManifest(bundle(), 'm').variants[0]!.name).toBe('v');
  });

  it('refuses paths out of the bundle', () => {
    for (const path of ['../x', 'a/../../x', '/x', 'https://x.example/y', '//x.example/y', 'a\\..\\b', '']) {
      const manifest = bundle();
      manifest.variants[0]!.parts[0]!.files[0]!.path = path;
      expect(() => parseManifest(manifest, 'm'), path).toThrow(invalid);
    }
  });

  it('keeps odd names inside when they become addresses', () => {
    const base = new URL('https://app.example/model/');
    for (const path of ['%2e%2e/x', 'a?b#c', 'sub/ü.onnx', 'a%2fb'])
      expect(fileUrl(path, base).href).toMatch(/^https:\/\/app\.example\/model\/[^?#]+$/);
    expect(() => fileUrl('../x', base)).toThrow(invalid);
  });

  it('refuses another version, wrong sums and missing models', () => {
    const breaks: ((m: ReturnType<typeof bundle>) => void)[] = [
      (m) => Object.assign(m, { schema: 'edgepress/bundle@2' }),
      (m) => Object.assign(m.variants[0]!.parts[0]!, { bytes: 1 }),
      (m) => Object.assign(m.variants[0]!.parts[0]!, { role: 'data' }),
      (m) => Object.assign(m.variants[0]!.parts[0]!.files[0]!, { sha256: 'short' }),
      (m) => Object.assign(m, { variants: [] }),
      (m) => Object.assign(m, { inputs: [{}] }),
    ];
    for (const change of breaks) {
      const manifest = bundle();
      change(manifest);
      expect(() => parseManifest(manifest, 'm')).toThrow(invalid);
    }
  });

  it('answers anything with a typed error, never a crash', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.nat(), (value, part, at) => {
        const manifest = bundle() as unknown as Record<string, unknown>;
        const keys = Object.keys(manifest);
        manifest[keys[at % keys.length]!] = part;
        const variant = bundle() as unknown as { variants: Record<string, unknown>[] };
        const fields = Object.keys(variant.variants[0]!);
        variant.variants[0]![fields[at % fields.length]!] = part;
        for (const candidate of [value, manifest, variant])
          try {
            parseManifest(candidate, 'm');
          } catch (error) {
            expect(error).toBeInstanceOf(EdgepressError);
          }
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});
