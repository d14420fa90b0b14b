/** Reads samples ahead of their use, in order, with a bounded number held at a time. */
import type { DataSource, Sample } from './source.ts';

/** Samples in the order of `indices`, at most `concurrency` decoding or waiting at once (default 4), so
 *  memory does not grow with the number of samples. Stopping early (break, return, throw) leaves no
 *  rejected promise behind.
 *  @throws what the source throws, at the sample concerned */
export async function* readAll(
  source: Pick<DataSource, 'read'>,
  indices: readonly number[],
  options: { readonly concurrency?: number } = {},
): AsyncGenerator<Sample, void, void> {
  const ahead = Math.max(1, options.concurrency ?? 4);
  const queue: Promise<Sample>[] = [];
  let next = 0;
  const fill = () => {
    while (queue.length < ahead && next < indices.length) queue.push(start(source, indices[next++]!));
  };
  fill();
  while (queue.length > 0) {
    const sample = await queue.shift()!;
    fill();
    yield sample;
  }
}

function start(source: Pick<DataSource, 'read'>, index: number): Promise<Sample> {
  const reading = source.read(index);
  // A failure is thrown when its turn comes; until then nobody awaits it, which must not end the process.
  reading.catch(() => undefined);
  return reading;
}

/** Runs `job` for 0 … count − 1, at most `concurrency` at once, and keeps the results in order. */
export async function inParallel<T>(
  count: number,
  concurrency: number,
  job: (index: number) => Promise<T>,
): Promise<T[]> {
  const results = new Array<T>(count);
  let next = 0;
  const work = async () => {
    while (next < count) {
      const i = next++;
      results[i] = await job(i);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, work));
  return results;
}
