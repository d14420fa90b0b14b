/** Builds ONNX files for tests with onnx-proto itself, and looks into bytes without our codec. */
import onnxProto, { type onnx } from 'onnx-proto';
import protobuf from 'protobufjs/minimal.js';

const FLOAT = 1;

export const info = (
  name: string,
  shape: readonly (number | string)[] = [2],
  elemType = FLOAT,
): onnx.IValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType,
      shape: { dim: shape.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d })) },
    },
  },
});

export const floatTensor = (name: string, values: readonly number[]): onnx.ITensorProto => ({
  name,
  dims: [values.length],
  dataType: FLOAT,
  rawData: new Uint8Array(Float32Array.from(values).buffer),
});

export const node = (
  opType: string,
  input: string[],
  output: string[],
  rest: onnx.INodeProto = {},
): onnx.INodeProto => ({ opType, input, output, ...rest });

/** x → Relu → y unless the graph says otherwise. */
export const modelBytes = (graph: onnx.IGraphProto = {}, model: onnx.IModelProto = {}): Uint8Array =>
  onnxProto.onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'main',
      input: [info('x')],
      output: [info('y')],
      node: [node('Relu', ['x'], ['y'])],
      ...graph,
    },
    ...model,
  }).finish();

export const parsed = (bytes: Uint8Array): onnx.ModelProto => onnxProto.onnx.ModelProto.decode(bytes);

/** A length-delimited field of any number. */
export const field = (number: number, payload: Uint8Array | string): Uint8Array =>
  new protobuf.Writer()
    .uint32((number << 3) | 2)
    .bytes(typeof payload === 'string' ? new TextEncoder().encode(payload) : payload)
    .finish();

export const varintField = (number: number, value: number): Uint8Array =>
  new protobuf.Writer()
    .uint32(number << 3)
    .uint32(value)
    .finish();

export const concat = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** Payloads of the length-delimited fields found by going down through `path`, field numbers from the outermost. */
export function payloadsAt(bytes: Uint8Array, path: readonly number[]): Uint8Array[] {
  const [number, ...rest] = path;
  const found: Uint8Array[] = [];
  const reader = new protobuf.Reader(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if ((tag & 7) === 2) {
      const payload = reader.bytes();
      if (tag >>> 3 === number) found.push(...(rest.length > 0 ? payloadsAt(payload, rest) : [payload]));
    } else reader.skipType(tag & 7);
  }
  return found;
}

export const textsAt = (bytes: Uint8Array, path: readonly number[]): string[] =>
  payloadsAt(bytes, path).map((p) => new TextDecoder().decode(p));
