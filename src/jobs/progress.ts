import type { Stoppable, Tell } from '../compute/engine/run-context.ts';
import type { ReportHeader } from '../judge/report/header.ts';
import { optionsObject } from '../support/parse-request.ts';

/** What a running job tells whoever watches: the terminal's live line, or a log. */
export interface JobEvents {
  /** What is known before the work: told once, when data is opened, of jobs that end in a report. */
  known?(header: ReportHeader): void;
  /** A step begins. `name` is short and stays the same between runs: "calibrate". A step that ends without a word
   *  ends when the next one begins. */
  begin?(step: string): void;
  /** Inside the step: done of total, when the total is known. */
  progress?(step: string, done: number, total: number): void;
  /** Something of a long step worth a line of its own, such as an epoch. */
  note?(step: string, text: string): void;
  /** The step is done; `detail` says what it resulted in. */
  end?(step: string, detail: string, ms: number): void;
}

/** What a call of the library is told while it runs. */
export type Progress =
  | { readonly kind: 'begin'; readonly step: string }
  | { readonly kind: 'progress'; readonly step: string; readonly done: number; readonly total: number }
  | { readonly kind: 'note'; readonly step: string; readonly text: string }
  | { readonly kind: 'end'; readonly step: string; readonly text: string; readonly ms: number };

/** What every call of the library takes besides its request. */
export interface RunOptions extends Stoppable {
  /** Told of each step: when it begins, how far it is, when it ended and what came of it. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** The request of a call, and what watches and stops it.
 *  @throws INVALID_ARGUMENT when options came that aren't an object */
export function separated<T extends RunOptions>(
  options: T,
): { given: Omit<T, keyof RunOptions>; run: JobRun } {
  const { signal, onProgress, ...given } = optionsObject(options === undefined ? {} : options) as T;
  return { given, run: { signal, events: eventsOf(onProgress) } };
}

/** What a job is run with. */
export interface JobRun extends Stoppable {
  readonly events: JobEvents;
}

const eventsOf = (tell: RunOptions['onProgress']): JobEvents =>
  tell
    ? {
        begin: (step) => tell({ kind: 'begin', step }),
        progress: (step, done, total) => tell({ kind: 'progress', step, done, total }),
        note: (step, text) => tell({ kind: 'note', step, text }),
        end: (step, text, ms) => tell({ kind: 'end', step, text, ms }),
      }
    : {};

/** Runs one step between its events. */
export async function step<T>(
  events: JobEvents,
  name: string,
  work: (progress: Tell) => Promise<T>,
  detail: (result: T) => string,
): Promise<T> {
  events.begin?.(name);
  const started = performance.now();
  const result = await work((done, total) => events.progress?.(name, done, total));
  events.end?.(name, detail(result), performance.now() - started);
  return result;
}
