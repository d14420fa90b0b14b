/** Keeps the screen on while the page is in sight, where the browser can (secure contexts). */

interface WakeLock {
  request(type: 'screen'): Promise<unknown>;
}

export function keepAwake(): void {
  const { wakeLock } = navigator as unknown as { readonly wakeLock?: WakeLock };
  if (!wakeLock) return;
  // The browser lets go of it whenever the page is out of sight. Refused (low battery): the screen may go dark.
  const request = () => {
    if (!document.hidden) wakeLock.request('screen').catch(() => {});
  };
  document.addEventListener('visibilitychange', request);
  request();
}

export function untilVisible(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const check = () => {
      if (document.hidden) return;
      document.removeEventListener('visibilitychange', check);
      resolve();
    };
    document.addEventListener('visibilitychange', check);
  });
}
