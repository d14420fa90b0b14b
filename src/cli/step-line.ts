/** The lines of steps, as text: what a live bar says, and what stays when a step is done. */
import stringWidth from 'string-width';
import { pad, wrapText } from '../judge/report/text-table.ts';

const nameWidth = 10;

/** Seconds, as long as they are few: "0.2 s", "47 s", "3 min 20 s". */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 120 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** "compare     200 samples on wasm                     2.8 s", the time at the end of the first line; what doesn't fit stands in
 *  further ones under it. Without a width that is one line, for logs.
 *  @param columns  of a line; @param wraps  whether a line may be no longer */
export function stepLines(
  name: string,
  detail: string,
  time: string,
  { columns, wraps }: { readonly columns: number; readonly wraps: boolean },
): string[] {
  const right = time === '' ? '' : `  ${time.padStart(6)}`;
  const room = columns - nameWidth - 2 - stringWidth(right);
  const [first = '', ...rest] = wrapText(detail, wraps ? room : Number.POSITIVE_INFINITY);
  const lead = `${name.padEnd(nameWidth)}  ${right === '' ? first : pad(first, room)}${right}`;
  return [lead, ...rest.map((line) => `${' '.repeat(nameWidth + 2)}${line}`)];
}

interface LiveText {
  readonly head: string;
  readonly bar: string;
  readonly rest: string;
  readonly tail: string;
}

const barWidth = 20;

/** Step, bar in two parts, count, and the time left once it can be told. */
export function liveText(name: string, done: number, total: number, elapsedMs: number): LiveText {
  const filled = Math.round((barWidth * Math.min(done, total)) / Math.max(1, total));
  const leftMs = done > 0 ? (elapsedMs / done) * (total - done) : 0;
  // A guess from the first half second jumps about.
  const left =
    elapsedMs > 500 && leftMs > 500 ? `  ${formatDuration(Math.ceil(leftMs / 1000) * 1000)} left` : '';
  return {
    head: `${name.padEnd(nameWidth)}  `,
    bar: '█'.repeat(filled),
    rest: '░'.repeat(barWidth - filled),
    tail: `  ${done}/${total}${left}`,
  };
}
