/** Einsum of one or two operands as transposes, one batched product and sums: not every backend has Einsum itself. */
import type { Node } from '../../../../ir/model.ts';
import { type Emitter, refuse } from '../emitter.ts';
import type { Ref } from '../graph.ts';
import { reduced } from './reductions.ts';
import { concat, productOver, shapeTensor, sliceVector, transpose } from './shaping.ts';

export interface Operand {
  readonly ref: Ref;
  readonly rank: number;
}

interface Term {
  readonly ref: Ref;
  readonly letters: string;
}

/** @param equation  without blanks @throws TFJS_OPERATOR for ellipses, diagonals and three operands or more */
export function einsum(node: Node, e: Emitter, equation: string, operands: readonly Operand[]): Ref {
  const [left = '', right] = equation.split('->');
  const subscripts = left.split(',');
  if (equation.includes('.')) return refuse(node, `its equation ${equation} has an ellipsis`);
  if (subscripts.some((s) => new Set(s).size < s.length)) return refuse(node, `${equation} takes a diagonal`);
  if (operands.length > 2) return refuse(node, `${equation} has ${operands.length} operands`);
  const output = right ?? implicit(left);
  const terms = operands.map(({ ref }, i): Term => ({ ref, letters: subscripts[i]! }));
  const needed = (i: number) =>
    output +
    terms
      .filter((_, k) => k !== i)
      .map((t) => t.letters)
      .join('');
  const summed = terms.map((term, i) => sumOver(e, term, needed(i)));
  const made = summed.length === 1 ? summed[0]! : contracted(e, summed[0]!, summed[1]!, output);
  return transpose(
    e,
    made.ref,
    [...output].map((letter) => made.letters.indexOf(letter)),
  );
}

/** Letters that occur once, in the order of the alphabet. */
const implicit = (left: string) =>
  [...new Set(left.replaceAll(',', ''))]
    .filter((l) => left.split(l).length === 2)
    .sort()
    .join('');

/** Sums over letters that nothing else has. */
function sumOver(e: Emitter, { ref, letters }: Term, needed: string): Term {
  const gone = [...letters].flatMap((l, axis) => (needed.includes(l) ? [] : [axis]));
  if (gone.length === 0) return { ref, letters };
  return {
    ref: reduced(e, 'Sum', ref, gone, false),
    letters: [...letters].filter((l) => needed.includes(l)).join(''),
  };
}

/** batch·rows·shared × batch·shared·columns. */
function contracted(e: Emitter, a: Term, b: Term, output: string): Term {
  const both = [...a.letters].filter((l) => b.letters.includes(l));
  const batch = both.filter((l) => output.includes(l)).join('');
  const inner = both.filter((l) => !output.includes(l)).join('');
  const rows = [...a.letters].filter((l) => !b.letters.includes(l)).join('');
  const columns = [...b.letters].filter((l) => !a.letters.includes(l)).join('');
  const arranged = (t: Term, letters: string) =>
    transpose(
      e,
      t.ref,
      [...letters].map((l) => t.letters.indexOf(l)),
    );
  const sizes = (t: Term, letters: string) =>
    [...letters].map((l) => {
      const axis = t.letters.indexOf(l);
      return sliceVector(e, shapeTensor(e, t.ref), axis, axis + 1);
    });
  const merged = (letters: string, t: Term): Ref =>
    letters.length === 0
      ? e.int([1])
      : letters.length === 1
        ? sizes(t, letters)[0]!
        : productOver(e, concat(e, sizes(t, letters)), [0], true);
  const shaped = (x: Ref, parts: readonly Ref[]) => e.op('Reshape', [x, concat(e, parts)]);
  const left = shaped(arranged(a, batch + rows + inner), [
    ...sizes(a, batch),
    merged(rows, a),
    merged(inner, a),
  ]);
  const right = shaped(arranged(b, batch + inner + columns), [
    ...sizes(b, batch),
    merged(inner, b),
    merged(columns, b),
  ]);
  const product = e.op('BatchMatMulV2', [left, right], { adj_x: { bool: false }, adj_y: { bool: false } });
  const letters = batch + rows + columns;
  const dims = [...sizes(a, batch), ...sizes(a, rows), ...sizes(b, columns)];
  const shape = dims.length > 0 ? concat(e, dims) : e.int([]);
  return { ref: e.op('Reshape', [product, shape]), letters };
}
