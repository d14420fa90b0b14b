/** Messages of measuring: the process, the browsers and the devices it happens on. */
import { environment, messageOf, nearest, user } from '../diagnostics.ts';
import { formatBytes } from '../units.ts';

export const measureTimeout = (what: string, seconds: number) =>
  environment(
    'MEASURE_TIMEOUT',
    `Measuring ${what} took longer than ${seconds} s and was stopped.`,
    'Measure with a smaller input, or leave measuring out.',
  );

export const measureCrashed = (what: string, how: string, stderr: string) =>
  environment(
    'MEASURE_CRASHED',
    `The process that measured ${what} ended with ${how}${stderr ? `: ${stderr}` : ''}.`,
    'Most often the machine ran out of memory; close other programs or use a smaller input.',
  );

export const measureMemory = (what: string, bytes: number) =>
  environment(
    'MEASURE_MEMORY',
    `${what} take about ${formatBytes(bytes)} together, which is more than this machine has free.`,
    'Close other programs; each is measured alone otherwise.',
  );

type InstalledBrowser = { readonly kind: string; readonly path: string };

export const unknownDevice = (name: string, known: readonly string[]) => {
  const close = nearest(name, known);
  return user(
    'UNKNOWN_DEVICE',
    `There is no device "${name}"; there are ${known.join(', ')}.`,
    close
      ? `Did you mean ${close}?`
      : 'Give one or several of them, with commas: --device node,wasm,chromium',
  );
};

export const nothingMeasured = (reasons: readonly string[]) =>
  environment(
    'NOTHING_MEASURED',
    `Nothing could be measured: ${reasons[0] ?? 'there is no variant for these devices'}${
      reasons.length > 1 ? ` (and ${reasons.length - 1} other reasons)` : ''
    }.`,
    'Choose other devices or providers: --device wasm, --provider wasm.',
  );

/** @param packages  of Debian */
export const browserMissing = (
  kind: string,
  installed: readonly InstalledBrowser[],
  variable: string,
  packages: string | null,
) =>
  environment(
    'BROWSER_MISSING',
    `No ${kind} was found on this machine; ${
      installed.length > 0
        ? `there is ${installed.map((b) => `${b.kind} (${b.path})`).join(', ')}`
        : 'nor any other browser that can be measured in'
    }.`,
    `Install it${packages === null ? '' : ` (Debian: apt-get install ${packages})`}, or name its program in ${variable}. edgepress does not download browsers.`,
  );

export const screenMissing = () =>
  environment(
    'SCREEN_MISSING',
    'WebKit shows its page on a screen, and there is none here.',
    'Install Xvfb, a screen that nobody sees (Debian: apt-get install xvfb).',
  );

export const browserLaunch = (kind: string, path: string, cause: unknown) =>
  environment(
    'BROWSER_LAUNCH',
    `${kind} (${path}) does not start: ${messageOf(cause).split('\n')[0]}`,
    'Start it once by hand to see what it lacks.',
    cause,
  );

export const browserCrashed = (title: string, how: string) =>
  environment(
    'BROWSER_CRASHED',
    `${title} gave no answer: ${how}.`,
    'Most often the page ran out of memory; use a smaller model or input.',
  );

export const browserTimeout = (title: string, seconds: number) =>
  environment(
    'BROWSER_TIMEOUT',
    `${title} did not answer within ${seconds} s and was stopped.`,
    'Use a smaller input, or leave this device out.',
  );

export const noGpu = (reason: string) =>
  environment(
    'PAGE_WEBGPU',
    `WebGPU is not available: ${reason}.`,
    'Measure on wasm, or with another browser.',
  );

export const noFloat16 = (adapter: string) =>
  environment(
    'PAGE_SHADER_F16',
    `The GPU does not compute in float16 (no shader-f16): ${adapter}.`,
    'Measure a float32 or 4-bit variant there.',
  );

export const noThreads = () =>
  environment(
    'PAGE_THREADS',
    'Threads need a cross-origin isolated page with SharedArrayBuffer; this one is not.',
    'Serve it with COOP same-origin and COEP require-corp, in a secure context.',
  );
