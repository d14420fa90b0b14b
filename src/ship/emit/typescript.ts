/** index.d.ts of a bundle: its model's inputs and outputs as types for edgepress-runtime.
 *    import type { Inputs, Outputs } from './model/index.js'
 *    const model = await loadModel<Inputs, Outputs>('/model/') */
import type { BundleEntry } from './bundle.ts';
import type { Manifest } from './manifest.ts';

type Port = Manifest['inputs'][number];

/** What the data of an output is. Half floats come out of the runtime as float32. */
const outputArrays: Readonly<Record<string, string>> = {
  float32: 'Float32Array',
  float16: 'Float32Array',
  float64: 'Float64Array',
  int8: 'Int8Array',
  uint8: 'Uint8Array',
  bool: 'Uint8Array',
  int16: 'Int16Array',
  uint16: 'Uint16Array',
  int32: 'Int32Array',
  uint32: 'Uint32Array',
  int64: 'BigInt64Array',
  uint64: 'BigUint64Array',
  string: 'readonly string[]',
};

/** What an input also takes: plain arrays of what its type holds. */
const plainArrays: Readonly<Record<string, string>> = {
  string: 'readonly string[]',
  bool: 'readonly boolean[]',
  int64: 'readonly bigint[] | readonly number[]',
  uint64: 'readonly bigint[] | readonly number[]',
};

export function typesFile(manifest: Manifest): BundleEntry {
  return { path: 'index.d.ts', bytes: new TextEncoder().encode(renderTypes(manifest)) };
}

/** The text of index.d.ts. Type aliases, not interfaces: only those fit the runtime's `Record` of inputs. */
export function renderTypes(manifest: Manifest): string {
  const picture = pictureInputOf(manifest);
  const inputs = manifest.inputs.map((port) => member(port, inputType(port, port === picture)));
  const outputs = manifest.outputs.map((port) => member(port, outputType(port)));
  const body = [block('Inputs', inputs), block('Outputs', outputs), labelType(manifest.labels)].join('\n');
  const used = ['ImageSource', 'OutputTensor', 'TensorLike'].filter((name) => body.includes(name));
  const imports = used.length > 0 ? `import type { ${used.join(', ')} } from 'edgepress-runtime';\n\n` : '';
  return `/** Types of the model "${comment(manifest.name)}". Made by edgepress with the bundle; not to be edited. */\n${imports}${body}`;
}

/** The input that pictures become; the manifest's preprocessing is about it. */
const pictureInputOf = ({ inputs, preprocessing }: Manifest): Port | undefined =>
  preprocessing === null ? undefined : inputs.find((p) => p.shape?.length === 4 || p.shape?.length === 3);

const block = (name: string, members: readonly string[]) =>
  members.length === 0
    ? `export type ${name} = Record<never, never>;\n`
    : `export type ${name} = {\n${members.join('\n')}\n};\n`;

const member = (port: Port, type: string) =>
  `  /** ${comment(`${port.dtype} ${shapeText(port.shape)}`)} */\n  readonly ${key(port.name)}: ${type};`;

const shapeText = (shape: Port['shape']) =>
  shape === null ? '(any shape)' : `[${shape.map((d) => d ?? '?').join(', ')}]`;

const inputType = ({ dtype, shape }: Port, isPicture: boolean) =>
  [
    ...(isPicture ? ['ImageSource'] : []),
    'TensorLike',
    ...(dtype === 'string' ? [] : [outputArrays[dtype] ?? 'Uint8Array']),
    plainArrays[dtype] ?? 'readonly number[]',
    ...(shape?.every((d) => d === 1) && dtype !== 'string' ? ['number'] : []),
  ].join(' | ');

const outputType = ({ dtype }: Port) => {
  const data = outputArrays[dtype];
  return data ? `OutputTensor & { readonly data: ${data} }` : 'OutputTensor';
};

function labelType(labels: Manifest['labels']): string {
  // Long unions slow editors down and are of no use in a list of suggestions.
  if (labels === null || labels.length > 100) return 'export type Label = string;\n';
  const names = [...new Set(labels)].map((l) => JSON.stringify(l));
  return `export type Label = ${names.join(' | ')};\n`;
}

/** Reserved words are fine as keys; only the form of a name decides. */
const key = (name: string) =>
  /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : JSON.stringify(name);

/** Text of a file's maker inside a comment. */
const comment = (text: string) => text.replace(/\*\//g, '* /').replace(/[\r\n\u2028\u2029]+/g, ' ');
