/** Ctrl-C: the first one stops the job, which cleans up after itself; a second one ends the process at once.
 *  A request to end (SIGTERM) and a closed terminal (SIGHUP) do the same. */
import { endWithParent } from '../support/end-with-parent.ts';
import { leftBehind } from '../support/left-behind.ts';
import type { Supervisor } from './supervise.ts';

export const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Makes this process the child that supervise.ts started: it hears its parent, and ends with it. Where a terminal sends a
 *  signal to both, it counts once. */
export function hearParent(above: Supervisor): void {
  for (const name of signals) process.on(name, () => {});
  heard.add('parent');
  leftBehind.tell = (making) => void process.send?.({ making });
  process.on('message', (message) => {
    if (message === 'stop') for (const stop of [...stops]) stop();
  });
  endWithParent({ ...above, code: 130 });
  // It may end when its work is done.
  process.channel?.unref();
}

const stops = new Set<() => void>();
const heard = new Set<'parent'>();

/** Whether another process stops this one, and says that it did. */
export const hasParent = (): boolean => heard.has('parent');

/** Ends this process though connections are open still that wait for a server which is gone. */
export const endSoon = (): void => void setTimeout(() => process.exit(), 1000).unref();

export function interruptSignal(): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new DOMException('interrupted', 'AbortError'));
  };
  const own = hasParent() ? [] : signals;
  stops.add(stop);
  for (const name of own) process.on(name, stop);
  return {
    signal: controller.signal,
    dispose() {
      stops.delete(stop);
      for (const name of own) process.off(name, stop);
    },
  };
}
