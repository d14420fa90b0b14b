/** Runs one task in a page of its own: serves page, model, inputs and runtime, waits for the answer. */

import { join } from 'node:path';
import type { Stoppable } from '../../compute/engine/run-context.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { browserTimeout } from '../../support/diagnostics/devices.ts';
import { engineMissing } from '../../support/diagnostics/engines.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { toWire } from './isolated-messages.ts';
import type { LaunchedBrowser, Tab } from './launch.ts';
import { packageFolder } from './machine.ts';
import { decodeFrame, encodeFrame } from './page/frame.ts';
import type { Output, PageAnswer, PagePart, PageTask } from './page/messages.ts';
import { pageScript } from './page-script.ts';
import type { PresetName } from './presets.ts';
import { type ServedFile, serve } from './serve.ts';
import { tfjsFiles } from './tfjs-runtime.ts';

/** A model file, or data that it keeps in a file of its own; in shards to be joined in order. */
export interface TaskPart {
  readonly name: string;
  readonly role: 'model' | 'data';
  readonly files: readonly ServedFile[];
}

interface BrowserTask extends Stoppable {
  readonly model: readonly TaskPart[];
  readonly feeds: readonly Readonly<Record<string, Tensor>>[];
  readonly provider: PageTask['provider'];
  readonly threads: number;
  readonly config: PageTask['config'];
  /** What a graph-model of TensorFlow.js gives; absent for what onnxruntime runs. */
  readonly tfjsOutputs?: readonly Output[] | undefined;
  readonly shaderF16?: boolean | undefined;
  readonly work: PageTask['work'];
  readonly preset?: PresetName | undefined;
  /** Default 180 000. */
  readonly timeoutMs?: number | undefined;
}

type Answered = Exclude<PageAnswer, { failed: unknown }>;

/** @throws what the page reports (PAGE_WEBGPU, PAGE_THREADS, ENGINE_OPEN, ENGINE_RUN …), BROWSER_CRASHED,
 *    BROWSER_TIMEOUT; the signal's reason when aborted */
export async function runTask(browser: LaunchedBrowser, task: BrowserTask): Promise<Answered> {
  const { signal, timeoutMs = 180_000 } = task;
  signal?.throwIfAborted();
  const { files, model } = servedModel(task.model);
  const told: PageTask = {
    provider: task.provider,
    threads: task.threads,
    config: task.config,
    shaderF16: task.shaderF16,
    ...(task.tfjsOutputs ? { tfjs: { url: '/tfjs/', outputs: task.tfjsOutputs } } : {}),
    runtimeUrl: '/ort/',
    model,
    feedsUrl: '/feeds',
    work: task.work,
  };
  files.set('/index.html', { bytes: html });
  files.set('/page.js', { bytes: await pageScript() });
  files.set('/task', { bytes: JSON.stringify(told) });
  files.set('/feeds', { bytes: encodeFrame(task.feeds.map(toWire)) });
  if (task.tfjsOutputs)
    for (const { name, bytes } of await tfjsFiles()) files.set(`/tfjs/${name}`, { bytes });
  let receive: (body: Uint8Array) => void = () => {};
  const answered = new Promise<Uint8Array>((resolve) => {
    receive = resolve;
  });
  let opened: Promise<Tab> | undefined;
  const server = await serve({
    files,
    folders: { '/ort/': runtimeFolder() },
    isolated: true,
    receive: { '/answer': receive, '/ready': async () => (await opened)?.slowDown() },
  });
  try {
    opened = browser.open(`${server.url}index.html`, task.preset);
    const tab = await opened;
    try {
      const body = await firstOf(answered, tab.failed, { signal, timeoutMs, title: browser.title });
      return checked(decodeFrame(body) as PageAnswer);
    } finally {
      await tab.close();
    }
  } finally {
    await server.close();
  }
}

const html =
  '<!doctype html><meta charset="utf-8"><title>edgepress</title><body><script type="module" src="page.js"></script>';

function servedModel(parts: readonly TaskPart[]): { files: Map<string, ServedFile>; model: PagePart[] } {
  const files = new Map<string, ServedFile>();
  const model = parts.map(({ name, role, files: shards }, i) => ({
    name,
    role,
    urls: shards.map((shard, k) => {
      const url = `/model/${i}/${k}`;
      files.set(url, shard);
      return url;
    }),
  }));
  return { files, model };
}

function runtimeFolder(): string {
  const folder = packageFolder('onnxruntime-web');
  if (!folder) throw engineMissing('A browser', 'onnxruntime-web', 'is not installed');
  return join(folder, 'dist');
}

interface Limits extends Stoppable {
  readonly timeoutMs: number;
  readonly title: string;
}

function firstOf<T>(
  answered: Promise<T>,
  failed: Promise<never>,
  { signal, timeoutMs, title }: Limits,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => settle(() => reject(signal?.reason));
    const timer = setTimeout(() => settle(() => reject(browserTimeout(title, timeoutMs / 1000))), timeoutMs);
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      finish();
    };
    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    answered.then((value) => settle(() => resolve(value)));
    failed.catch((error: unknown) => settle(() => reject(error)));
  });
}

function checked(answer: PageAnswer): Answered {
  if (!('failed' in answer)) return answer;
  const { code, kind, message, hint } = answer.failed;
  throw new Diagnostic(code, kind, message, hint);
}
