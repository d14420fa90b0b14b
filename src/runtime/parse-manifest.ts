/** The checks of edgepress.json that loading rests on. The whole schema is src/ship/emit/manifest.ts; a page can't
 *  afford its validator, so fields that nothing here reads are not looked at. */
import type { Manifest } from '../ship/emit/manifest.ts';
import { EdgepressError } from './errors.ts';

const schema = 'edgepress/bundle@1';

/** Relative, inside the bundle: no "..", no leading slash, no scheme, no backslash. */
const insidePath = /^(?!\/)(?!.*(^|\/)\.\.(\/|$))(?!.*\\)(?![a-zA-Z][a-zA-Z0-9+.-]*:).+$/;

type Fields = Readonly<Record<string, unknown>>;

const list = (value: unknown): readonly Fields[] =>
  Array.isArray(value) ? value.map((v: unknown) => (typeof v === 'object' && v ? (v as Fields) : {})) : [];
const isText = (value: unknown) => typeof value === 'string' && value !== '';
const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** @throws MANIFEST_INVALID naming the first field that is wrong */
export function parseManifest(value: unknown, url: string): Manifest {
  const need = (ok: unknown, what: string) => {
    if (!ok) throw new EdgepressError('MANIFEST_INVALID', `${url} is not a manifest: ${what}.`);
  };
  const manifest = list([value])[0]!;
  const found = manifest['schema'];
  need(found === schema, `schema ${JSON.stringify(found)}, where this runtime reads "${schema}"`);
  for (const key of ['inputs', 'outputs'])
    need(
      Array.isArray(manifest[key]) &&
        list(manifest[key]).every(
          (p) =>
            isText(p['name']) && isText(p['dtype']) && (p['shape'] === null || Array.isArray(p['shape'])),
        ),
      key,
    );
  const variants = list(manifest['variants']);
  need(variants.length, 'no variants');
  for (const variant of variants) {
    const at = `variant "${variant['name']}"`;
    const complete = ['providers', 'requires', 'measured'].every((key) => Array.isArray(variant[key]));
    need(isText(variant['name']) && complete && typeof variant['sessionConfig'] === 'object', at);
    const parts = list(variant['parts']);
    need(parts.filter((part) => part['role'] === 'model').length === 1, `the model file of ${at}`);
    for (const part of parts) {
      let bytes = 0;
      for (const file of list(part['files'])) {
        const path = file['path'] as string;
        need(isText(path) && insidePath.test(path), `path "${path}" leaves the bundle`);
        need(/^[0-9a-f]{64}$/.test(String(file['sha256'])), `sha256 of ${path}`);
        need(isSize(file['bytes']), `bytes of ${path}`);
        bytes += file['bytes'] as number;
      }
      need(isText(part['name']) && isSize(part['bytes']) && part['bytes'] === bytes, `the parts of ${at}`);
    }
  }
  return value as Manifest;
}
