/** The words of ONNX's textual syntax: names of element types and attribute types, and what an identifier is. */
import type { AttributeKind } from '../../ir/attribute.ts';
import { type DType, dtypes } from '../../ir/dtype.ts';

/** The syntax says float and double where the element types are called float32 and float64 here. */
export const dtypeWord = (dtype: DType): string =>
  dtype === 'float32' ? 'float' : dtype === 'float64' ? 'double' : dtype;

const dtypeByWord = new Map((Object.keys(dtypes) as DType[]).map((dtype) => [dtypeWord(dtype), dtype]));

export const dtypeFromWord = (word: string): DType | undefined => dtypeByWord.get(word);

export const attributeWords: Readonly<Record<AttributeKind, string>> = {
  float: 'float',
  int: 'int',
  string: 'string',
  tensor: 'tensor',
  graph: 'graph',
  type: 'type_proto',
  sparse: 'sparse_tensor',
  floats: 'floats',
  ints: 'ints',
  strings: 'strings',
  tensors: 'tensors',
  graphs: 'graphs',
  types: 'type_protos',
  sparses: 'sparse_tensors',
};

const kindByWord = new Map(
  (Object.keys(attributeWords) as AttributeKind[]).map((kind) => [attributeWords[kind], kind]),
);

export const attributeKindFromWord = (word: string): AttributeKind | undefined => kindByWord.get(word);

const typeKeywords = new Set(['seq', 'map', 'optional', 'sparse_tensor', 'opaque']);

/** Whether a type starts with this identifier. */
export const isTypeWord = (word: string) => dtypeByWord.has(word) || typeKeywords.has(word);

export const isIdentifier = (name: string) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);

const escaped = (text: string) => text.replace(/[\\"]/g, '\\$&');

export const quoted = (text: string) => `"${escaped(text)}"`;

/** A name as the syntax wants it: quoted when it is not an identifier or could be read as a type or a number. */
export const nameText = (name: string) =>
  isIdentifier(name) && !isTypeWord(name) && !/^(inf|infinity|nan)$/i.test(name) ? name : quoted(name);

/** A word in a place where only identifiers can stand (op types, attribute names): quoted only when it is none. */
export const wordText = (name: string) => (isIdentifier(name) ? name : quoted(name));
