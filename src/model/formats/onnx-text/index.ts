/** The textual ONNX syntax: reads and writes models as text. */
export { parseModel } from './parse-model.ts';
export { type PrintOptions, printModel, printNode } from './print-model.ts';
