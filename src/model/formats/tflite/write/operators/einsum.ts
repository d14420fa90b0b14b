/** Einsum of one or two operands as transposes, one batched product and sums. */
import { textAttribute } from '../../../../ir/attribute.ts';
import type { Node } from '../../../../ir/model.ts';
import { elementCount } from '../../../../ir/tensor.ts';
import { type Emitter, type LiteRows, refuse, reshaped } from '../emitter.ts';
import type { LiteTensor } from '../graph.ts';
import { reduced } from './arithmetic.ts';
import { product } from './products.ts';
import { transposed } from './shaping.ts';

interface Term {
  readonly x: LiteTensor;
  readonly letters: string;
}

/** Ellipses, diagonals and three operands or more are refused. */
function einsum(node: Node, e: Emitter, equation: string, operands: readonly LiteTensor[]): LiteTensor {
  const [left = '', right] = equation.split('->');
  const subscripts = left.split(',');
  if (equation.includes('.')) return refuse(node, `its equation ${equation} has an ellipsis`);
  if (subscripts.some((s) => new Set(s).size < s.length)) return refuse(node, `${equation} takes a diagonal`);
  if (operands.length > 2) return refuse(node, `${equation} has ${operands.length} operands`);
  const output = right ?? implicit(left);
  const terms = operands.map((x, i): Term => ({ x, letters: subscripts[i]! }));
  const needed = (i: number) => output + terms.flatMap((t, k) => (k === i ? [] : [t.letters])).join('');
  const summed = terms.map((term, i) => sumOver(e, term, needed(i)));
  const made = summed.length === 1 ? summed[0]! : contracted(e, summed[0]!, summed[1]!, output);
  return arranged(e, made, output);
}

/** Letters that occur once, in the order of the alphabet. */
const implicit = (left: string) =>
  [...new Set(left.replaceAll(',', ''))]
    .filter((l) => left.split(l).length === 2)
    .sort()
    .join('');

const arranged = (e: Emitter, { x, letters }: Term, order: string): LiteTensor =>
  transposed(
    e,
    x,
    [...order].map((letter) => letters.indexOf(letter)),
  );

/** Sums over letters that nothing else has. */
function sumOver(e: Emitter, { x, letters }: Term, needed: string): Term {
  const gone = [...letters].flatMap((l, axis) => (needed.includes(l) ? [] : [axis]));
  const kept = [...letters].filter((l) => needed.includes(l)).join('');
  return { x: reduced(e, 'SUM', x, gone, false), letters: kept };
}

/** batch·rows·shared × batch·shared·columns. */
function contracted(e: Emitter, a: Term, b: Term, output: string): Term {
  const both = [...a.letters].filter((l) => b.letters.includes(l));
  const batch = both.filter((l) => output.includes(l)).join('');
  const inner = both.filter((l) => !output.includes(l)).join('');
  const rows = [...a.letters].filter((l) => !b.letters.includes(l)).join('');
  const columns = [...b.letters].filter((l) => !a.letters.includes(l)).join('');
  const sizes = (t: Term, letters: string) => [...letters].map((l) => t.x.shape[t.letters.indexOf(l)]!);
  const outer = elementCount(sizes(a, batch));
  const depth = elementCount(sizes(a, inner));
  const left = reshaped(e, arranged(e, a, batch + rows + inner), [
    outer,
    elementCount(sizes(a, rows)),
    depth,
  ]);
  const right = reshaped(e, arranged(e, b, batch + inner + columns), [
    outer,
    depth,
    elementCount(sizes(b, columns)),
  ]);
  const shape = [...sizes(a, batch), ...sizes(a, rows), ...sizes(b, columns)];
  return { x: reshaped(e, product(e, left, right), shape), letters: batch + rows + columns };
}

export const einsums: LiteRows = {
  Einsum: {
    emit: (node, e) =>
      einsum(
        node,
        e,
        textAttribute(node, 'equation', '').replaceAll(' ', ''),
        node.inputs.map((_, i) => e.input(node, i)),
      ),
  },
};
