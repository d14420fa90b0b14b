/** onnxruntime-web: the smallest build that runs a candidate, loaded when it is chosen and not before. */
import { EdgepressError, messageOf } from './errors.ts';
import type { OrtBundle } from './select.ts';

/** What the runtime uses of onnxruntime-web; any of its builds has it. */
export type OrtModule = Pick<typeof import('onnxruntime-web'), 'InferenceSession' | 'Tensor' | 'env'>;

/** Where onnxruntime-web comes from. Left out: `import('onnxruntime-web/wasm')` or `…/webgpu`, which a bundler or
 *  an import map resolves. A URL ending in "/": a folder with the files of onnxruntime-web's dist. Another URL: a
 *  module to use for everything; or one for each build. Or a module that the app has loaded already. */
export type OrtSource = OrtModule | string | Readonly<Partial<Record<OrtBundle, string>>>;

const files: Readonly<Record<OrtBundle, string>> = {
  'onnxruntime-web/wasm': 'ort.wasm.bundle.min.mjs',
  'onnxruntime-web/webgpu': 'ort.webgpu.bundle.min.mjs',
};

export const isOrtModule = (source: OrtSource | undefined): source is OrtModule =>
  typeof source === 'object' && 'InferenceSession' in source;

/** URL of a build, when the source is made of URLs. */
export function ortUrl(bundle: OrtBundle, source: OrtSource | undefined): string | undefined {
  if (source === undefined || isOrtModule(source)) return undefined;
  const url = typeof source === 'string' ? source : source[bundle];
  if (url === undefined) return undefined;
  const page = globalThis.document?.baseURI ?? globalThis.location?.href;
  return new URL(url.endsWith('/') ? url + files[bundle] : url, page).href;
}

/** @throws PROVIDER_FAILED when it can't be loaded */
export async function loadOrt(bundle: OrtBundle, source: OrtSource | undefined): Promise<OrtModule> {
  if (isOrtModule(source)) return source;
  const url = ortUrl(bundle, source);
  try {
    if (url !== undefined)
      return (await import(/* @vite-ignore */ /* webpackIgnore: true */ url)) as OrtModule;
    return bundle === 'onnxruntime-web/wasm'
      ? await import('onnxruntime-web/wasm')
      : await import('onnxruntime-web/webgpu');
  } catch (cause) {
    throw new EdgepressError(
      'PROVIDER_FAILED',
      `${url ?? bundle} can't be loaded: ${messageOf(cause)}`,
      cause,
    );
  }
}
