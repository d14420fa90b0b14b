/** The part of the public API that runs in a web page: no files, no native engine.
 *  @module edgepress/web */

export * from './anywhere.ts';
export { compressInPage as compress, type PageOptions, type PageResult } from './compress/in-page.ts';
export type { Journal } from './compress/pipeline/run.ts';
export { openWasmEngine } from './compute/engine/onnxruntime-web.ts';
export { openedFromModel, openModelBytes } from './model/formats/opened.ts';
export type { Graph, Node, Value } from './model/ir/model.ts';
export { verifyModel } from './model/ir/verify.ts';
