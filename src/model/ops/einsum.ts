/** The letters of an Einsum's equation. */

/** Letters of every term, '...' expanded to the axes it stands for ('0', '1' … counted from the right). */
export function einsumTerms(
  equation: string,
  ranks: readonly number[],
): { inputs: string[][]; output: string[] } {
  const [left, right] = equation.replace(/\s/g, '').split('->');
  const digits = (width: number) => Array.from({ length: width }, (_, i) => String(width - 1 - i));
  const letters = (term: string, width: number) => {
    const [before, after] = term.split('...') as [string, string | undefined];
    return after === undefined ? [...term] : [...before, ...digits(width), ...after];
  };
  const terms = left!.split(',');
  const widths = terms.map((t, i) => (t.includes('...') ? (ranks[i] ?? 0) - t.length + 3 : 0));
  const inputs = terms.map((t, i) => letters(t, widths[i]!));
  const widest = Math.max(0, ...widths);
  if (right !== undefined) return { inputs, output: letters(right, widest) };
  const all = inputs.flat();
  const once = [...new Set(all)].filter((l) => !/\d/.test(l) && all.filter((x) => x === l).length === 1);
  return { inputs, output: [...digits(widest), ...once.sort()] };
}
