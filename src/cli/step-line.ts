/** The lines of steps, as text: what a live bar says, and what stays when a step is done. */

const nameWidth = 10;

/** Seconds, as long as they are few: "0.2 s", "47 s", "3 min 20 s". */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 120 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** "compare     200 samples on wasm                     2.8 s", as wide as `columns`. */
export function stepLine(name: string, detail: string, time: string, columns: number): string {
  const room = Math.max(12, columns - nameWidth - 2 - 2 - Math.max(6, time.length));
  const right = time.padStart(Math.max(6, time.length));
  return `${name.padEnd(nameWidth)}  ${shortened(detail, room).padEnd(room)}  ${right}`;
}

/** Leaves out what does not fit, from the end, one part ("a · b · c") after the other. */
export function shortened(detail: string, room: number): string {
  if (detail.length <= room) return detail;
  const parts = detail.split(' · ');
  while (parts.length > 1) {
    parts.pop();
    const text = `${parts.join(' · ')} · …`;
    if (text.length <= room) return text;
  }
  return `${detail.slice(0, room - 1)}…`;
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
