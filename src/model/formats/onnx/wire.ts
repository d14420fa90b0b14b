/** The protobuf wire under the ONNX schema of onnx-proto, made lossless: fields that the schema (ONNX 1.10) does not
 *  know are kept with their message and written again, integers of 64 bits are bigint, sub-messages can't read past
 *  their end, and nesting is limited as in protobuf's own parsers. */
import onnxProto, { type onnx } from 'onnx-proto';
import protobuf from 'protobufjs/minimal.js';
import { onnxMalformed, onnxTooDeep } from '../../../support/diagnostics/model-files.ts';
import { Diagnostic } from '../../../support/diagnostics.ts';

export const proto = onnxProto.onnx;
export type { onnx };

/** Nesting that protobuf's parsers accept by default; a file beyond it opens nowhere. */
const depthLimit = 100;

type Reader = protobuf.Reader;
type Writer = protobuf.Writer;
type Long = ReturnType<Reader['int64']>;

const unknownFields = Symbol('unknown fields');
interface Message {
  [unknownFields]?: readonly Uint8Array[];
}

/** The fields of a message that the schema lacks, each with its tag. */
export const unknownOf = (message: object): readonly Uint8Array[] =>
  (message as Message)[unknownFields] ?? [];

/** Makes `fields` part of the message when it is written. */
export function withUnknown<T extends object>(message: T, fields: readonly Uint8Array[] | undefined): T {
  if (fields && fields.length > 0) (message as Message)[unknownFields] = fields;
  return message;
}

class OnnxReader extends protobuf.Reader {
  depth = 0;
  unknown: Uint8Array[] = [];
  private tagAt = 0;

  override uint32(): number {
    this.tagAt = this.pos;
    return super.uint32();
  }

  override skipType(wireType: number): Reader {
    const start = this.tagAt;
    this.skipField(wireType, this.depth);
    this.unknown.push(this.buf.subarray(start, this.pos));
    return this;
  }

  private skipField(wireType: number, depth: number): void {
    if (depth > depthLimit) throw onnxTooDeep(depthLimit);
    if (wireType === 0) this.skip();
    else if (wireType === 1) this.skip(8);
    else if (wireType === 2) this.skip(this.uint32());
    else if (wireType === 5) this.skip(4);
    else if (wireType === 3) {
      for (let inner = this.uint32() & 7; inner !== 4; inner = this.uint32() & 7)
        this.skipField(inner, depth + 1);
    } else throw new RangeError(`wire type ${wireType} at byte ${this.pos}`);
  }

  override bytes(): Uint8Array {
    const length = this.uint32();
    const end = this.pos + length;
    if (end > this.len) throw new RangeError(`field of ${length} bytes at byte ${this.pos}`);
    const view = this.buf.subarray(this.pos, end);
    this.pos = end;
    return view;
  }

  override string(): string {
    return decodeText(this.bytes());
  }

  override int64(): Long {
    return BigInt.asIntN(64, this.varint64()) as unknown as Long;
  }

  override uint64(): Long {
    return BigInt.asUintN(64, this.varint64()) as unknown as Long;
  }

  private varint64(): bigint {
    let low = 0;
    for (let i = 0; i < 7; i++) {
      const byte = this.nextByte();
      low += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) return BigInt(low);
    }
    let high = 0;
    for (let i = 0; i < 3; i++) {
      const byte = this.nextByte();
      high += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) return BigInt(low) + (BigInt(high) << 49n);
    }
    throw new RangeError(`integer of more than 10 bytes at byte ${this.pos}`);
  }

  private nextByte(): number {
    if (this.pos >= this.len) throw new RangeError(`integer cut off at byte ${this.pos}`);
    return this.buf[this.pos++]!;
  }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

function decodeText(bytes: Uint8Array): string {
  if (bytes.length > 48) return utf8.decode(bytes);
  let text = '';
  for (const byte of bytes) {
    if (byte > 127) return utf8.decode(bytes);
    text += String.fromCharCode(byte);
  }
  return text;
}

class OnnxWriter extends protobuf.Writer {
  override int64(value: Long | number | string): Writer {
    return super.int64(longOf(value));
  }

  override uint64(value: Long | number | string): Writer {
    return super.uint64(longOf(value));
  }
}

function longOf(value: unknown): Long | number {
  if (typeof value !== 'bigint') return value as number;
  const low = Number(BigInt.asIntN(32, value));
  return { low, high: Number(BigInt.asIntN(32, value >> 32n)), unsigned: false } as unknown as Long;
}

interface Codec {
  decode(reader: Reader | Uint8Array, length?: number): object;
  encode(message: object, writer?: Writer): Writer;
}

const isCodec = (x: unknown): x is Codec => typeof x === 'function' && 'decode' in x && 'encode' in x;

const hooked = new WeakSet<object>();

/** Puts our bookkeeping around the generated functions, which call each other by name. They work as before for
 *  readers and messages that aren't ours. */
function hookAll(holder: object): void {
  if (hooked.has(holder)) return;
  hooked.add(holder);
  for (const codec of Object.values(holder).filter(isCodec)) {
    hook(codec);
    hookAll(codec);
  }
}

function hook(codec: Codec): void {
  const { decode, encode } = codec;
  codec.decode = (reader, length) => {
    if (!(reader instanceof OnnxReader)) return decode(reader, length);
    const outer = { end: reader.len, unknown: reader.unknown };
    const end = length === undefined ? reader.len : reader.pos + length;
    if (end > outer.end) throw new RangeError(`message of ${length} bytes at byte ${reader.pos}`);
    if (++reader.depth > depthLimit) throw onnxTooDeep(depthLimit);
    reader.len = end;
    reader.unknown = [];
    const message = decode(reader, end - reader.pos);
    if (reader.pos !== end) throw new RangeError(`message ends at byte ${end}, its last field does not`);
    withUnknown(message, reader.unknown);
    reader.len = outer.end;
    reader.unknown = outer.unknown;
    reader.depth--;
    return message;
  };
  codec.encode = (message, writer) => {
    const out = encode(message, writer ?? new OnnxWriter());
    for (const field of unknownOf(message)) writeRaw(out, field);
    return out;
  };
}

interface PushingWriter {
  _push(write: (value: Uint8Array, out: Uint8Array, at: number) => void, length: number, v: Uint8Array): void;
}
const writeRaw = (writer: Writer, bytes: Uint8Array) =>
  (writer as unknown as PushingWriter)._push((v, out, at) => out.set(v, at), bytes.length, bytes);

/** Decodes one message. Byte fields are views of `bytes`.
 *  @throws ONNX_MALFORMED naming `where` when the bytes aren't such a message, ONNX_TOO_DEEP */
export function parseMessage<T extends object>(
  type: { decode(reader: Reader): T },
  bytes: Uint8Array,
  where: string,
): T {
  hookAll(proto);
  // A plain view: the methods of a Buffer differ from those of a Uint8Array.
  const reader = new OnnxReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  try {
    return type.decode(reader);
  } catch (error) {
    if (error instanceof Diagnostic) throw error;
    throw onnxMalformed(where, error instanceof Error ? error.message : String(error), error);
  }
}

/** Encodes one message; its byte fields are copied once, into the result. */
export function serializeMessage<T extends object>(
  type: { encode(message: T, writer: Writer): Writer },
  message: T,
): Uint8Array {
  hookAll(proto);
  return type.encode(message, new OnnxWriter()).finish();
}

/** Fields that are newer than the schema of onnx-proto and that the IR has a place for. */
export const NODE_OVERLOAD = 8;
export const FUNCTION = { attributeProto: 11, valueInfo: 12, overload: 13 } as const;

/** Splits off the fields with certain numbers. `payload` is the content of a length-delimited field. */
export function takeFields(fields: readonly Uint8Array[], numbers: readonly number[]) {
  const taken: { number: number; payload: Uint8Array }[] = [];
  const rest: Uint8Array[] = [];
  for (const field of fields) {
    const reader = new OnnxReader(field);
    const tag = reader.uint32();
    if (numbers.includes(tag >>> 3) && (tag & 7) === 2)
      taken.push({ number: tag >>> 3, payload: reader.bytes() });
    else rest.push(field);
  }
  return { taken, rest };
}

/** A length-delimited field with its tag, as `unknownOf` gives them. */
export const lengthDelimited = (number: number, payload: Uint8Array): Uint8Array =>
  new OnnxWriter()
    .uint32((number << 3) | 2)
    .bytes(payload)
    .finish();

/** 64-bit field of a decoded message (a default may be a number or a Long) as bigint. */
export function bigintOf(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'object' && value !== null && 'low' in value && 'high' in value)
    return (BigInt(value.high as number) << 32n) | BigInt((value.low as number) >>> 0);
  return BigInt((value as number | null | undefined) ?? 0);
}

/** A bigint where onnx-proto's types say number. The writer takes it. */
export const wireInt = (value: bigint | number) => value as unknown as number;
export const wireInts = (values: readonly (bigint | number)[]) => values as unknown as number[];

export { decodeText };
export const encodeText = (text: string) => new TextEncoder().encode(text);
