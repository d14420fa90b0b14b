/** The three most likely classes as a list with bars. @returns the name of the first */
export function showClasses(list: HTMLElement, scores: Float32Array, labels: readonly string[]): string {
  const best = shares(scores)
    .map((share, i) => ({ share, name: labels[i] ?? `class ${i}` }))
    .sort((a, b) => b.share - a.share)
    .slice(0, 3);
  list.replaceChildren(
    ...best.map(({ name, share }) => {
      const item = document.createElement('li');
      const bar = document.createElement('meter');
      bar.value = share;
      item.append(cell(name), bar, cell(`${(100 * share).toFixed(1)} %`));
      return item;
    }),
  );
  return best[0]?.name ?? '';
}

function cell(text: string): HTMLElement {
  const element = document.createElement('span');
  element.textContent = text;
  return element;
}

/** Softmax: scores as shares that add up to one. */
function shares(scores: Float32Array): number[] {
  const most = Math.max(...scores);
  const powers = Array.from(scores, (s) => Math.exp(s - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((p) => p / sum);
}
