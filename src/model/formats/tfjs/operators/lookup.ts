/** Looking keys up in hash tables of constants: each key is compared with all of them.
 *  Source: tfjs-converter src/executor/hash_table.ts. */
import type { Value } from '../../../ir/model.ts';
import { numbers, type Tensor, tensorOf } from '../../../ir/tensor.ts';
import { cast, type Emitter, reshape, toScalar, unsqueeze } from '../../emit/index.ts';
import type { GraphNode } from '../graph/graph-def.ts';
import { evaluateReal, type Scope, type Structure, sourceOf } from '../graph/scope.ts';

/** @returns different keys, and where the value of each stands: of equal ones the last counts */
function tableOf(scope: Scope, node: GraphNode, e: Emitter) {
  const table = scope.program.tables.get(sourceOf(scope, node, 0).node);
  if (!table) return e.refuse('a table that no initializer of the model fills');
  const { keys, values } = table;
  if (!keys || !values) return e.refuse('a table of keys or values that are computed');
  if (keys.dtype === 'string' || values.dtype === 'string') return e.refuse('a table of texts');
  const places = new Map(numbers(keys).map((key, i) => [key, i]));
  if (values.dims[0] !== numbers(keys).length) return e.refuse('a table of more keys than values, or fewer');
  return {
    keys: tensorOf(keys.dtype, [places.size], [...places.keys()]),
    places: [...places.values()],
    values,
  };
}

/** Any keys → [n, …]: as a list, whatever shape they have. */
const find: Structure = {
  sources: (scope, node) => [sourceOf(scope, node, 1), sourceOf(scope, node, 2)],
  convert(scope, node) {
    const e = scope.e.at(node.op, node.name);
    const { keys, places, values } = tableOf(scope, node, e);
    const given = evaluateReal(scope, sourceOf(scope, node, 1), node);
    const otherwise = evaluateReal(scope, sourceOf(scope, node, 2), node);
    if (e.dtype(given) !== keys.dtype) e.refuse(`keys of ${e.dtype(given)} in a table of ${keys.dtype}`);
    return [found(e, reshape(e, given, [-1]), cast(e, otherwise, values.dtype), keys, places, values)];
  },
};

function found(
  e: Emitter,
  given: Value,
  otherwise: Value,
  keys: Tensor,
  places: readonly number[],
  values: Tensor,
): Value {
  const inner = values.dims.length - 1;
  if (places.length === 0) {
    const shape = e.emit('Shape', [given]);
    return e.emit('Expand', [inner === 0 ? toScalar(e, otherwise) : otherwise, shape]);
  }
  const same = cast(e, e.emit('Equal', [unsqueeze(e, given, 1), e.constant(keys, 'keys')]), 'int32');
  const which = e.emit('ArgMax', [same], { axis: 1, keepdims: 0 });
  const place = e.emit('Gather', [e.integers(...places), which], { axis: 0 });
  const value = e.emit('Gather', [e.constant(values, 'values'), place], { axis: 0 });
  const isThere = cast(e, e.emit('ReduceMax', [same], { axes: [1], keepdims: 0 }), 'bool');
  const mask =
    inner === 0 ? isThere : unsqueeze(e, isThere, ...Array.from({ length: inner }, (_, i) => i + 1));
  return e.emit('Where', [mask, value, otherwise]);
}

const size: Structure = {
  sources: () => [],
  convert(scope, node) {
    const e = scope.e.at(node.op, node.name);
    return [e.scalar('int32', tableOf(scope, node, e).places.length)];
  },
};

/** A table is no tensor: what reads it finds it by its node. */
const handle: Structure = {
  sources: () => [],
  convert: (scope, node) => scope.e.at(node.op, node.name).refuse('a table where a tensor was expected'),
};

export const lookupStructures: Readonly<Record<string, Structure>> = {
  LookupTableFind: find,
  LookupTableFindV2: find,
  LookupTableSize: size,
  LookupTableSizeV2: size,
  HashTable: handle,
  HashTableV2: handle,
  InitializeTable: handle,
  InitializeTableV2: handle,
  LookupTableImport: handle,
  LookupTableImportV2: handle,
};
