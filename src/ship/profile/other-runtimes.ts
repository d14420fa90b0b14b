/** Runtimes of pages other than onnxruntime-web, by the formats that they are for. */
import type { Variant } from '../emit/manifest.ts';
import type { RuntimeBuild } from './runtime-sizes.ts';

export type OtherFormat = Extract<Variant['format'], 'tfjs' | 'litert'>;

export const isOther = (format: Variant['format']): format is OtherFormat =>
  format === 'tfjs' || format === 'litert';

export const otherTitles: Readonly<Record<OtherFormat, string>> = {
  tfjs: 'TensorFlow.js',
  litert: 'LiteRT.js',
};

/** What a page imports. */
export const otherBuilds = {
  tfjs: '@tensorflow/tfjs-backend-wasm',
  litert: '@litertjs/core',
} as const satisfies Readonly<Record<OtherFormat, RuntimeBuild>>;
