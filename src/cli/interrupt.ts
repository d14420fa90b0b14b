/** Ctrl-C: the first one stops the job, which cleans up after itself; a second one ends the process at once.
 *  A request to end (SIGTERM) and a closed terminal (SIGHUP) do the same. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function interruptSignal(): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new DOMException('interrupted', 'AbortError'));
  };
  for (const name of signals) process.on(name, stop);
  return {
    signal: controller.signal,
    dispose() {
      for (const name of signals) process.off(name, stop);
    },
  };
}
