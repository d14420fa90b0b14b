/** Files of the runtimes of pages other than onnxruntime-web, for pages without a bundler. */
import { litertFiles } from './litert-runtime.ts';
import type { OtherFormat } from './other-runtimes.ts';
import { type PageFile, tfjsFiles } from './tfjs-runtime.ts';

/** @throws ENGINE_MISSING */
export const otherRuntimeFiles: Readonly<Record<OtherFormat, () => Promise<readonly PageFile[]>>> = {
  tfjs: tfjsFiles,
  litert: litertFiles,
};
