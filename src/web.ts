/** The part of the public API that runs in a web page: no files, no native engine.
 *  @module edgepress/web */

import { compressInPage, type PageOptions, type PageResult } from './compress/in-page.ts';
import { refusalOf } from './jobs/refusals.ts';
import type { Model } from './model/ir/model.ts';

export * from './anywhere.ts';
export type { PageOptions, PageResult } from './compress/in-page.ts';
export type { Journal } from './compress/pipeline/run.ts';
export { openWasmEngine } from './compute/engine/onnxruntime-web.ts';
export { type FetchOptions, fetchModel } from './model/formats/fetch-model.ts';
export { openedFromModel, openModelBytes } from './model/formats/opened.ts';
export type { Graph, Node, Value } from './model/ir/model.ts';
export { verifyModel } from './model/ir/verify.ts';

/** Makes a model smaller in a page; nothing is uploaded.
 *  @param model  bytes, or an open model; neither is changed
 *  @example
 *  const { bytes } = await compress(new Uint8Array(await file.arrayBuffer()), { int8: true });
 *  @throws UNKNOWN_OPTION, INVALID_ARGUMENT, OPTION_WITHOUT_EFFECT, NOT_IN_PAGE, NOTHING_TO_QUANTIZE, and what reading and passes
 *    throw */
export const compress = (model: Uint8Array | Model, options: PageOptions = {}): Promise<PageResult> =>
  compressInPage(model, options, refusalOf);
