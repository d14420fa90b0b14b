/** Generated text in a terminal, and the line about it. */
import type { GeneratedText } from '../jobs/generate-text.ts';
import { plain } from '../judge/report/terminal.ts';
import { formatDecimal, formatMs } from '../support/units.ts';

/** Lines and tabs stay; what a terminal could take for a command does not. */
export const shown = (piece: string) =>
  piece
    .split(/([\n\t])/)
    .map((part) => (part === '\n' || part === '\t' ? part : plain(part)))
    .join('');

export function describeGenerated(r: GeneratedText): string {
  const speed =
    r.tokensPerSecond === null
      ? []
      : [`${formatDecimal(r.tokensPerSecond, r.tokensPerSecond < 10 ? 1 : 0)} tokens/s`];
  const first = r.firstTokenMs === null ? [] : [`first after ${formatMs(r.firstTokenMs)}`];
  const end = r.finish === 'stop' ? ['ended by the model'] : [];
  const count = `${r.tokens} ${r.tokens === 1 ? 'token' : 'tokens'}`;
  return `  ${[count, ...speed, ...first, ...end, r.runtime].join(' · ')}`;
}
