/** The ONNX codec. File access is in file.ts, which pages don't load. */
export { type ExternalEncoding, encodeModelExternal } from './external-plan.ts';
export { type DecodeOptions, decodeModel } from './read.ts';
export { decodeTensorProto, type PlaceExternal, type ReadExternal } from './tensors.ts';
export { type EncodeOptions, encodeModel, keepExternal } from './write.ts';
