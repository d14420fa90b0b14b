/** Einsum: the gradient by an operand is an Einsum of the output's gradient and the other operands. */
import { textAttribute } from '../../../model/ir/attribute.ts';
import type { Value } from '../../../model/ir/model.ts';
import { einsumTerms } from '../../../model/ops/einsum.ts';
import { einsumSizes } from '../../../model/ops/shapes/matrix.ts';
import { gradientUnsupported } from '../../../support/diagnostics/training.ts';
import type { GradientRule, RuleContext } from '../rule.ts';

interface Term {
  readonly value: Value;
  readonly letters: readonly string[];
}

/** @throws GRADIENT_UNSUPPORTED when a letter stands twice in one operand (a diagonal) */
export const einsum: GradientRule = (c) => {
  const equation = textAttribute(c.node, 'equation', '');
  const inputs = c.node.inputs.map((_, i) => c.input(i));
  const shapes = inputs.map(c.dims);
  const terms = einsumTerms(
    equation,
    shapes.map((s) => s.length),
  ).inputs;
  if (terms.some((t) => new Set(t).size < t.length))
    throw gradientUnsupported('Einsum', c.node.name || c.output(0).name, `"${equation}" repeats a letter`);
  const { sizes, output } = einsumSizes(equation, shapes);
  const operands = inputs.map((value, i) => squeezed(c, value, terms[i] as string[], sizes));
  const result = { value: c.gradient(0) as Value, letters: output };

  return operands.map((own, i) => {
    if (!c.wants(i)) return null;
    const others = [result, ...operands.filter((_, j) => j !== i)];
    const found = new Set(others.flatMap((t) => t.letters));
    const reached = own.letters.filter((l) => found.has(l));
    const partial = contract(c, others, reached);
    if (reached.length === own.letters.length) return c.reshape(partial, shapes[i] as number[]);
    // A letter that only this operand has was summed away: its gradient is the same everywhere along it.
    const size = (l: string) => sizes.get(l) as number;
    const aligned = c.reshape(
      partial,
      own.letters.map((l) => (found.has(l) ? size(l) : 1)),
    );
    return c.reshape(c.op('Expand', [aligned, c.ints(own.letters.map(size))]), shapes[i] as number[]);
  });
};

/** An operand without the axes along which it is broadcast. */
function squeezed(
  c: RuleContext,
  value: Value,
  letters: readonly string[],
  sizes: ReadonlyMap<string, unknown>,
): Term {
  const dims = c.dims(value);
  const kept = letters.filter((l, i) => dims[i] === sizes.get(l));
  return {
    value: c.reshape(
      value,
      kept.map((l) => sizes.get(l) as number),
    ),
    letters: kept,
  };
}

/** Einsum over terms whose letters may be those that stand for "..." (digits). */
function contract(c: RuleContext, terms: readonly Term[], wanted: readonly string[]): Value {
  const used = new Set(terms.flatMap((t) => t.letters));
  const free = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'].filter((l) => !used.has(l));
  const plain = new Map([...used].map((l) => [l, /\d/.test(l) ? (free.shift() as string) : l]));
  const text = (letters: readonly string[]) => letters.map((l) => plain.get(l)).join('');
  const equation = `${terms.map((t) => text(t.letters)).join(',')}->${text(wanted)}`;
  return c.op(
    'Einsum',
    terms.map((t) => t.value),
    { equation },
  );
}
