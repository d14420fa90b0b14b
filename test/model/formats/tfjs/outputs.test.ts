/** Models that are cut before they are converted. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseModel } from '../../../../src/model/formats/onnx-text/index.ts';
import { openModel } from '../../../../src/model/formats/open-file.ts';
import type { Diagnostic } from '../../../../src/support/diagnostics.ts';

const folder = mkdtempSync(join(tmpdir(), 'tfjs-outputs-'));
afterAll(() => rmSync(folder, { recursive: true }));

const path = join(folder, 'model.json');
const shape = { shape: { dim: [{ size: '4' }] } };
const node = [
  { name: 'x', op: 'Placeholder', attr: { dtype: { type: 'DT_FLOAT' }, shape } },
  { name: 'body', op: 'Relu', input: ['x'] },
  { name: 'post', op: 'Frobnicate', input: ['body'] },
];
writeFileSync(path, JSON.stringify({ modelTopology: { node } }));

const outputsOf = (...outputs: string[]) =>
  openModel(path, { outputs }).model.graph.outputs.map((v) => v.name);

function refusalOf(read: () => unknown): { readonly hint: string } {
  try {
    read();
  } catch (error) {
    return { hint: String((error as Diagnostic).hint) };
  }
  throw new Error('It was read.');
}

describe('a graph-model', () => {
  it('is read up to the values that are asked for', () => {
    expect(() => openModel(path)).toThrow(expect.objectContaining({ code: 'TFJS_OPERATOR_UNKNOWN' }));
    const { hint } = refusalOf(() => openModel(path));
    expect(hint).toContain('--outputs body');
    expect(outputsOf(hint.split(' ').at(-1)!)).toEqual(['body']);
    expect(outputsOf('body')).toEqual(['body']);
    expect(outputsOf('body:0')).toEqual(['body:0']);
  });
  it('says which values it has when one is unknown', () => {
    expect(() => outputsOf('boby')).toThrow(
      expect.objectContaining({ code: 'OUTPUT_UNKNOWN', hint: 'Did you mean "body"?' }),
    );
  });
});

const text = `<ir_version: 8, opset_import: ["" : 17]>
g (float[4] x) => (float[4] y) {
  a = Relu(x)
  y = Neg(a)
}`;

describe('a model of any other format', () => {
  it('is cut behind the values that are asked for, and what a caller holds stays whole', () => {
    const model = parseModel(text);
    const opened = openModel(model, { outputs: ['a'] });
    expect(opened.model.graph.nodes.map((n) => n.opType)).toEqual(['Relu']);
    expect(model.graph.nodes).toHaveLength(2);
    expect(() => openModel(model, { outputs: ['b'] })).toThrow(
      expect.objectContaining({ code: 'OUTPUT_UNKNOWN' }),
    );
  });
});
