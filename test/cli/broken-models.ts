/** Model files with one thing wrong each, made from small sound ones. */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { writeModelFile } from '../../src/model/formats/file.ts';
import { encodeModel } from '../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';
import type { Model } from '../../src/model/ir/model.ts';

const header = (imports: string) => `<ir_version: 8, opset_import: [${imports}]>`;

/** y = x·w, w [32,32] counting up by quarters; the first weight is 12345.75, which no other byte sequence resembles. */
function product(before = ''): Model {
  const weights = Array.from({ length: 1024 }, (_, i) => (i === 0 ? '12345.75' : String((i % 64) / 4)));
  return parseModel(`${header('"": 17, "com.microsoft.extensions": 1')}
    g (float[N,32] xin1) => (float[N,32] y) <float[32,32] w = {${weights.join(', ')}}> {
      ${before || 'val1 = Relu(xin1)'}
      val2 = Relu(val1)
      y = MatMul(val2, w)
    }`);
}

function replaceFirst(bytes: Uint8Array, from: Buffer, to: Buffer): Uint8Array {
  const at = Buffer.from(bytes).indexOf(from);
  if (at < 0 || from.length !== to.length) throw new Error('The bytes to replace are not there.');
  const edited = Uint8Array.from(bytes);
  edited.set(to, at);
  return edited;
}

const float = (bits: number) => Buffer.from(new Uint32Array([bits]).buffer);

/** Nothing is wrong with it, but it has no classes: what comes out is like what goes in. */
export function writeFilter(path: string): void {
  writeFileSync(path, encodeModel(product()));
}

export function writeCyclic(path: string): void {
  // Nodes come first in the file: the first xin1 is what the first node reads.
  writeFileSync(path, replaceFirst(encodeModel(product()), Buffer.from('xin1'), Buffer.from('val2')));
}

export function writeNotFinite(path: string): void {
  const value = Buffer.from(new Float32Array([12345.75]).buffer);
  writeFileSync(path, replaceFirst(encodeModel(product()), value, float(0x7fc00000)));
}

export function writeUnknownOperator(path: string): void {
  writeFileSync(path, encodeModel(product('val1 = com.microsoft.extensions.Tokenise(xin1)')));
}

/** Its weights are in a file one folder up, by a path of the same length. */
export function writeEscaping(path: string): void {
  writeModelFile(product(), path, { externalAboveBytes: 0 });
  const name = `${basename(path)}.data`;
  const outside = `../${'x'.repeat(name.length - 3)}`;
  const bytes = readFileSync(path);
  writeFileSync(path, replaceFirst(bytes, Buffer.from(name), Buffer.from(outside)));
}

/** A node name that would clear the screen and turn what follows red. */
export function writeHostileNames(path: string): void {
  const name = Buffer.from('val2');
  const bytes = encodeModel(product());
  const hostile = Buffer.from('\u001b[2J');
  let edited: Uint8Array = bytes;
  while (Buffer.from(edited).includes(name)) edited = replaceFirst(edited, name, hostile);
  writeFileSync(path, edited);
}
