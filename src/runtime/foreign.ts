/** What runtimes that are not onnxruntime-web share: an address, and the failures of their packages. */
import { EdgepressError, messageOf } from './errors.ts';

/** A folder with a slash at its end, in full. */
export function addressOf(folder: string): string {
  const page = globalThis.document?.baseURI ?? globalThis.location?.href;
  return new URL(folder.endsWith('/') ? folder : `${folder}/`, page).href;
}

/** The packages are optional. An import of one that is missing does not break a build in webpack where it stands in a
 *  `try`, in esbuild where its promise has a `catch`, in Vite where package.json calls it optional. */
export const rethrow = (error: unknown): never => {
  throw error;
};

export const missing = (what: string, cause: unknown) =>
  new EdgepressError('PROVIDER_FAILED', `${what} can't be loaded: ${messageOf(cause)}`, cause);
