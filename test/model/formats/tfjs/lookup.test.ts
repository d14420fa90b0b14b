/** Hash tables: filled by the initializer of the model, asked by its graph. */
import { describe, expect, it } from 'vitest';
import { openModelBytes } from '../../../../src/model/formats/opened.ts';
import {
  constant,
  expectSame,
  type Given,
  type GraphNode,
  readTiny,
  type TinyGraph,
  values,
  whole,
} from './tiny-graph.ts';

const table = (key: string, value: string): GraphNode => ({
  name: 'table',
  op: 'HashTableV2',
  attr: { key_dtype: key, value_dtype: value },
});

/** As TensorFlow.js' converter writes it: a node in both graphs. */
const lookup = (
  op: string,
  kept: [Given, Given],
  asked: Given,
  otherwise: Given,
  types: string[],
): TinyGraph => {
  const [key, value] = types as [string, string];
  return {
    given: { keys: constant(kept[0]), values: constant(kept[1]), asked, otherwise: constant(otherwise) },
    nodes: [
      table(key, value),
      { name: 'y', op, input: ['table', 'asked', 'otherwise'], attr: { Tin: key, Tout: value } },
      { name: 'n', op: 'LookupTableSizeV2', input: ['table'] },
    ],
    outputs: ['y:0', 'n:0'],
    initializer: [
      table(key, value),
      { name: 'keys', op: 'Const', attr: { dtype: key } },
      { name: 'values', op: 'Const', attr: { dtype: value } },
      {
        name: 'fill',
        op: 'LookupTableImportV2',
        input: ['table', 'keys', 'values'],
        attr: { Tin: key, Tout: value },
      },
    ],
  };
};

describe('a table', () => {
  const numbers: [Given, Given] = [whole([4], [3, 9, -1, 70]), values([4], [0.5, 1.5, 2.5, 3.5])];

  it.each(['LookupTableFind', 'LookupTableFindV2'])(
    'has a value for each key, and one for all others: %s',
    async (op) => {
      const asked = whole([6], [9, 3, 3, 4, -1, 71]);
      await expectSame(lookup(op, numbers, asked, values([], [-7]), ['DT_INT32', 'DT_FLOAT']));
    },
  );

  it('takes keys of any shape for a list, as TensorFlow.js does', () =>
    expectSame(
      lookup('LookupTableFindV2', numbers, whole([2, 2], [9, 3, 1, 70]), values([], [-7]), [
        'DT_INT32',
        'DT_FLOAT',
      ]),
    ));

  it('may hold whole numbers by real ones', () =>
    expectSame(
      lookup(
        'LookupTableFindV2',
        [values([3], [0.5, 1, -2.25]), whole([3], [4, 5, 6])],
        values([4], [1, -2.25, 0.25, 0.5]),
        whole([], [-1]),
        ['DT_FLOAT', 'DT_INT32'],
      ),
    ));

  it('of equal keys has the last', () =>
    expectSame(
      lookup(
        'LookupTableFindV2',
        [whole([3], [2, 5, 2]), whole([3], [10, 20, 30])],
        whole([3], [2, 5, 7]),
        whole([], [0]),
        ['DT_INT32', 'DT_INT32'],
      ),
    ));

  it('that nothing fills is refused', () => {
    const graph = lookup('LookupTableFindV2', numbers, whole([1], [9]), values([], [0]), [
      'DT_INT32',
      'DT_FLOAT',
    ]);
    const { initializer: _, ...unfilled } = graph;
    expect(() => readTiny(unfilled)).toThrow(
      expect.objectContaining({ code: 'TFJS_OPERATOR_FORM', message: expect.stringContaining('"y"') }),
    );
  });
});

/** As TensorFlow 2 writes it: the graph has a placeholder, which both signatures number. TensorFlow.js' oracle is the form above. */
it('a table that the signature captures is no input of the model', () => {
  const node = (name: string, op: string, input: string[], attr: object) => ({ name, op, input, attr });
  const int = { type: 'DT_INT32' };
  const json = {
    modelTopology: {
      versions: {},
      node: [
        node('handle', 'Placeholder', [], { dtype: { type: 'DT_RESOURCE' }, shape: { shape: {} } }),
        node('asked', 'Placeholder', [], { dtype: int, shape: { shape: { dim: [{ size: '2' }] } } }),
        node('zero', 'Const', [], { dtype: int }),
        node('y', 'LookupTableFindV2', ['handle', 'asked', 'zero'], {}),
      ],
    },
    signature: {
      inputs: { asked: { name: 'asked:0' }, unknown: { name: 'handle:0', resourceId: 17 } },
      outputs: { y: { name: 'y:0' } },
    },
    modelInitializer: {
      node: [
        node('t', 'HashTableV2', [], {}),
        node('keys', 'Const', [], { dtype: int }),
        node('fill', 'LookupTableImportV2', ['t', 'keys', 'keys'], {}),
      ],
    },
    initializerSignature: { outputs: { t: { name: 't:0', resourceId: 17 } } },
    weightsManifest: [
      {
        paths: ['w'],
        weights: [
          { name: 'zero', shape: [], dtype: 'int32' },
          { name: 'keys', shape: [2], dtype: 'int32' },
        ],
      },
    ],
  };
  const data = new Map([['w', new Uint8Array(Int32Array.of(0, 4, 5).buffer)]]);
  const bytes = new TextEncoder().encode(JSON.stringify(json));
  const { model } = openModelBytes(bytes, { name: 'model.json', data });
  expect(model.graph.inputs.map((v) => v.name)).toEqual(['asked']);
  expect(model.graph.outputs.map((v) => v.name)).toEqual(['y']);
});

/** Only the number of an empty table's values is known. */
it('an empty table answers with the other value', () =>
  expectSame(
    lookup('LookupTableFindV2', [whole([0], []), values([0], [])], whole([3], [1, 2, 3]), values([], [4]), [
      'DT_INT32',
      'DT_FLOAT',
    ]),
  ));
