/** Gives every reader of a value the order that it wants: the value itself, a Transpose that is there, or a new one.
 *  Names go on meaning what they meant: a Transpose that restores an order takes over the name that had it. */
import { setInput, setOutput } from '../ir/edit.ts';
import { constantOf, isGraphOutput, type Node, type Value } from '../ir/model.ts';
import { freshName, takeName } from '../ir/names.ts';
import { elementCount } from '../ir/tensor.ts';
import { transposeTensor } from '../ir/transpose.ts';
import { type Reading, transposesBehind } from './origin.ts';
import { compose, inverse, isIdentity, type Permutation, permutedType } from './permutation.ts';
import type { LayoutSession } from './session.ts';

/** Constants up to this size are stored once more where readers want them in several orders. */
const storedTwice = 16;

export interface Wanted extends Reading {
  /** What the reader wants, as a permutation of the value as it was. */
  readonly wants: Permutation;
}

interface Named {
  readonly value: string;
  readonly node: string;
}

/** What is there of a value, by the permutation of the value as it was. */
interface Supply {
  readonly value: Value;
  readonly written: Permutation;
  readonly names: Map<string, Named>;
  readonly made: Map<string, Value>;
  /** Whether other orders are stored as constants of their own. */
  readonly isStored: boolean;
}

/** @param value  holds now what Transpose(value as it was, `written`) would; its type is still the old one
 *  @param wanted  all its readings */
export function deliver(
  session: LayoutSession,
  value: Value,
  written: Permutation,
  wanted: readonly Wanted[],
): void {
  const outputs = wanted.flatMap(({ use, value: read }) => (use.graph ? [{ use, name: read.name }] : []));
  const supply = supplyOf(session, value, written, wanted);
  for (const { use, wants, value: read } of wanted) {
    const found = valueFor(session, supply, wants);
    if (use.node && found !== read) setInput(use.node, use.index, found);
    const output = outputs.find((o) => o.use === use);
    if (output && (found !== read || read.name !== output.name))
      returnAs(session, output.use.graph, output.use.index, found, output.name);
  }
}

function supplyOf(
  session: LayoutSession,
  value: Value,
  written: Permutation,
  wanted: readonly Wanted[],
): Supply {
  const names = new Map<string, Named>([[written.map((_, i) => i).join(), { value: value.name, node: '' }]]);
  const made = new Map<string, Value>();
  const moved = !isIdentity(written);
  for (const node of transposesBehind(session.graph, value)) {
    const [old] = node.outputs;
    const reading = wanted.find((w) => w.value === old);
    if (!reading) continue;
    const key = reading.perm.join();
    if (!moved && node.inputs[0] === value && !made.has(key)) made.set(key, old!);
    else if (!names.has(key)) names.set(key, surrendered(session, node, old!));
  }
  if (moved) {
    value.type = permutedType(value.type, written);
    value.name = claimed(session, names, written, value.name).value;
  }
  const tensor = constantOf(value);
  const orders = new Set(wanted.map(({ wants }) => wants.join())).size;
  const isStored = tensor !== null && (orders === 1 || elementCount(tensor.dims) <= storedTwice);
  if (isStored) made.clear();
  return { value, written, names, made, isStored };
}

/** The names of a Transpose that will go. */
function surrendered(session: LayoutSession, node: Node, written: Value): Named {
  const names = { value: written.name, node: node.name };
  written.name = freshName(session.model.names, names.value);
  node.name = '';
  return names;
}

/** The names that had this meaning, or a new one. */
function claimed(
  session: LayoutSession,
  names: Map<string, Named>,
  meaning: Permutation,
  like: string,
): Named {
  const key = meaning.join();
  const found = names.get(key) ?? { value: freshName(session.model.names, like), node: '' };
  takeName(session.model.names, found.value);
  names.delete(key);
  return found;
}

function valueFor(session: LayoutSession, supply: Supply, wants: Permutation): Value {
  const { value, written, made } = supply;
  const perm = compose(inverse(written), wants);
  if (isIdentity(perm)) return value;
  const known = made.get(wants.join());
  if (known) return known;
  const found = supply.isStored
    ? session.constant(value, transposeTensor(constantOf(value)!, perm))
    : transposed(session, supply, wants, perm);
  made.set(wants.join(), found);
  return found;
}

function transposed(
  session: LayoutSession,
  { value, names }: Supply,
  wants: Permutation,
  perm: Permutation,
): Value {
  const node = session.add({
    opType: 'Transpose',
    inputs: [value],
    outputs: [`${value.name}_transposed`],
    attributes: { perm },
  });
  const [result] = node.outputs;
  result!.type = permutedType(value.type, perm);
  if (names.has(wants.join())) {
    const named = claimed(session, names, wants, '');
    result!.name = named.value;
    node.name = named.node;
  }
  return result!;
}

/** Returns a value under the name of an output; over an Identity where it can't have that name. */
function returnAs(
  session: LayoutSession,
  graph: LayoutSession['graph'],
  index: number,
  value: Value,
  name: string,
): void {
  const old = graph.outputs[index]!;
  const free = value.producer?.graph === graph && (!isGraphOutput(value) || value === old);
  const result = free ? value : session.add({ opType: 'Identity', inputs: [value] }).outputs[0]!;
  if (!free) result.type = value.type;
  if (result !== old) {
    if (old.name === name) old.name = freshName(session.model.names, name);
    setOutput(graph, index, result);
  }
  result.name = name;
}
