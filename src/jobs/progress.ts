/** What a running job tells whoever watches: the terminal's live line, or a log. */
export interface JobEvents {
  /** A step begins. `name` is short and stays the same between runs: "calibrate". A step that ends without a word
   *  ends when the next one begins. */
  begin?(step: string): void;
  /** Inside the step: done of total, when the total is known. */
  progress?(step: string, done: number, total: number): void;
  /** Something of a long step worth a line of its own, such as an epoch. */
  note?(step: string, text: string): void;
  /** The step is done; `detail` says what came of it. */
  end?(step: string, detail: string, ms: number): void;
}

/** Runs one step between its events. */
export async function step<T>(
  events: JobEvents,
  name: string,
  work: (progress: (done: number, total: number) => void) => Promise<T>,
  detail: (result: T) => string,
): Promise<T> {
  events.begin?.(name);
  const started = performance.now();
  const result = await work((done, total) => events.progress?.(name, done, total));
  events.end?.(name, detail(result), performance.now() - started);
  return result;
}
