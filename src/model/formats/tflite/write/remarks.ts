/** What a file of integers doesn't compute in them, and what moves only for the order of axes. */
import type { Node } from '../../../ir/model.ts';
import { labelOf } from '../../../rewrite/apply.ts';
import type { BuiltGraph } from './build.ts';
import { isInteger, type LiteTensor } from './graph.ts';

/** Types of operators that are told apart, and nodes of one that are named. */
const [mostTypes, mostNames] = [4, 3];

/** In plain words; nothing where all is as one would expect. */
export const remarksOn = (graph: BuiltGraph): string[] => [
  ...floatsIn(graph),
  ...widenedIn(graph),
  ...transposesIn(graph),
];

function floatsIn({ floats, operators }: BuiltGraph): string[] {
  const groups = grouped(floats, ({ reason }) => reason);
  const integers = operators.filter(isInteger).length;
  return groups.map(([reason, nodes]) => {
    const types = grouped(nodes, ({ node }) => node.opType);
    const shown = types
      .slice(0, mostTypes)
      .map(([type, of]) => `${of.length} ${type}${namesOf(of.map(({ node }) => node))}`);
    const more = types.length > shown.length ? ', …' : '';
    const among = `${nodes.length} of ${floats.length + integers} operators compute in floats`;
    return `${among}, ${reason}: ${shown.join(', ')}${more}`;
  });
}

/** Dynamic int8 that LiteRT has no kernel for. */
function widenedIn({ widened }: BuiltGraph): string[] {
  if (widened.length === 0) return [];
  return [
    `in floats, with weights in 8 bits: ${typesOf(widened)}, which find the range of their input while they run; LiteRT does so for matrices of int8 around zero`,
  ];
}

function typesOf(nodes: readonly Node[]): string {
  const types = grouped(nodes, ({ opType }) => opType);
  return types.map(([type, of]) => `${of.length} ${type}${namesOf(of)}`).join(', ');
}

const namesOf = (nodes: readonly Node[]): string =>
  nodes.length > mostNames ? '' : ` (${nodes.map((node) => `"${labelOf(node)}"`).join(', ')})`;

/** The largest group first. */
function grouped<T>(all: readonly T[], key: (one: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(key(one), [...(groups.get(key(one)) ?? []), one]);
  return [...groups].sort(([, a], [, b]) => b.length - a.length);
}

function transposesIn({ operators, inputs }: BuiltGraph): string[] {
  const fed = new Set<LiteTensor | null>(inputs.map(({ tensor }) => tensor));
  let [ofInputs, inside] = [0, 0];
  for (const { op, inputs: read, outputs } of operators) {
    const first = fed.has(read[0] ?? null);
    if (first && (op === 'QUANTIZE' || op === 'DEQUANTIZE' || op === 'CAST')) fed.add(outputs[0]!);
    if (op !== 'TRANSPOSE') continue;
    if (first) ofInputs++;
    else inside++;
  }
  if (ofInputs + inside === 0) return [];
  const parts = [ofInputs > 0 ? `${ofInputs} of an input` : '', inside > 0 ? `${inside} inside` : ''];
  return [`Transposes left: ${parts.filter((p) => p !== '').join(', ')}`];
}
