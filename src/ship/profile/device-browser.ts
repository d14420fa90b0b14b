/** A browser of this machine, as it is or as an emulated phone. */
import { internal } from '../../support/diagnostics.ts';
import { isSoftware } from '../../support/gpu-adapter.ts';
import { runTask, type TaskModel } from './browser-task.ts';
import type { BrowserKind } from './browsers.ts';
import {
  type Device,
  type DeviceMeasurement,
  failedBatches,
  machineName,
  measurementOf,
  notMadeFor,
  type Setting,
  type Subject,
  throughputFor,
} from './device.ts';
import { launchBrowser } from './launch.ts';
import { isOther } from './other-runtimes.ts';
import { type PresetName, presets } from './presets.ts';

/** @throws BROWSER_MISSING, BROWSER_LAUNCH */
export async function openBrowserDevice(
  name: string,
  { kind, preset }: { readonly kind: BrowserKind; readonly preset?: PresetName },
  webgpu: boolean,
): Promise<Device> {
  const browser = await launchBrowser(kind, webgpu);
  const emulated = preset !== undefined;
  return {
    name,
    title: emulated ? `${browser.title}, ${preset} emulated: ${presets[preset].summary}` : browser.title,
    emulated,
    providers: kind === 'webkit' ? ['wasm'] : ['wasm', 'webgpu'],
    network: emulated ? presets[preset].network : null,
    refuses: (subject, setting) =>
      notMadeFor(subject, setting) ?? (emulated ? notEmulated(setting) : notInBrowsers(setting)),
    async measure(subject, { provider, threads }, options = {}): Promise<DeviceMeasurement> {
      const { throughput: batches, signal, timeoutMs, ...timing } = options;
      const { request, notes } = throughputFor(subject, batches);
      const answer = await runTask(browser, {
        ...modelOf(subject),
        feeds: [subject.feeds],
        provider: provider === 'webgpu' ? 'webgpu' : 'wasm',
        threads,
        shaderF16: needsFloat16(subject, provider),
        work: { kind: 'measure', options: timing, throughput: request },
        preset,
        signal,
        timeoutMs,
      });
      if (!('measurement' in answer)) throw internal('PAGE_ANSWER', 'The page answered another task.');
      const { measurement: timed, environment } = answer;
      const device = emulated ? `${preset} emulated on ${machineName()}` : machineName();
      const { runtime, adapter } = environment;
      const facts = { device, host: browser.title, provider, threads, runtime, adapter, emulated };
      return {
        result: measurementOf(facts, timed, { downloadMs: timed.downloadMs, peakBytes: timed.peakBytes }),
        samplesMs: timed.samplesMs,
        intervalMs: timed.intervalMs,
        notes: [
          ...notes,
          ...failedBatches(timed.throughput),
          ...(timed.peakBytes === null ? [memoryNote(kind, threads)] : []),
          ...(adapter && isSoftware(adapter) ? [`WebGPU by the CPU: ${adapter}`] : []),
        ],
      };
    },
    async measureByTurns([first, ...others], { provider, threads }, { signal, timeoutMs, ...timing } = {}) {
      const answer = await runTask(browser, {
        ...modelOf(first),
        feeds: [first.feeds],
        provider: provider === 'webgpu' ? 'webgpu' : 'wasm',
        threads,
        shaderF16: [first, ...others].some((subject) => needsFloat16(subject, provider)),
        work: { kind: 'turns', options: timing, others: others.map(modelOf) },
        preset,
        signal,
        timeoutMs: timeoutMs ?? 180_000 * (1 + others.length),
      });
      if (!('turns' in answer)) throw internal('PAGE_ANSWER', 'The page answered another task.');
      return answer.turns;
    },
    close: () => browser.close(),
  };
}

const modelOf = ({ parts, sessionConfig, format, outputs }: Subject): TaskModel => ({
  model: parts,
  config: sessionConfig,
  other: isOther(format) ? { runtime: format, outputs: outputs ?? [] } : undefined,
});

const needsFloat16 = ({ requires }: Subject, provider: string) =>
  provider === 'webgpu' && requires.includes('shader-f16');

const memoryNote = (kind: BrowserKind, threads: number) =>
  threads > 1 && kind !== 'firefox' && kind !== 'webkit'
    ? 'memory not measured: Chromium does not tell it while worker threads wait'
    : 'memory not measured: the browser does not tell it';

function notInBrowsers({ provider }: Setting): string | null {
  return provider === 'wasm' || provider === 'webgpu' ? null : `not measured in browsers: ${provider}`;
}

/** Chromium slows the main thread of the page down and nothing else: anything that works elsewhere would be measured
 *  at the speed of this machine. */
function notEmulated(setting: Setting): string | null {
  if (setting.provider === 'webgpu') return 'a GPU cannot be emulated; measure on a real phone: compress lab';
  if (setting.threads > 1)
    return 'worker threads are not slowed down by the emulation; measure with --threads 1';
  return notInBrowsers(setting);
}
