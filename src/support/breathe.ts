/** Lets the event loop turn now and then while work that never waits goes on: runtimes that compute in the calling
 *  thread would otherwise keep Ctrl-C, timers and the progress line waiting until they are done. */
export function createBreather(everyMs = 50): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < everyMs) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    last = performance.now();
  };
}
