/** Runs one task in a page of its own: serves page, model, inputs and runtime, waits for the answer. */

import { join } from 'node:path';
import type { Stoppable } from '../../compute/engine/run-context.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { browserCrashed, browserTimeout } from '../../support/diagnostics/devices.ts';
import { engineMissing } from '../../support/diagnostics/engines.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { toWire } from './isolated-messages.ts';
import type { LaunchedBrowser, Tab } from './launched-browser.ts';
import { packageFolder } from './machine.ts';
import { otherRuntimeFiles } from './other-files.ts';
import { decodeFrame, encodeFrame } from './page/frame.ts';
import type { OtherModel, PageAnswer, PageModel, PagePart, PageTask } from './page/messages.ts';
import { pageScript } from './page-script.ts';
import type { PresetName } from './presets.ts';
import { type ServedFile, serve } from './serve.ts';

/** A model file, or data that it keeps in a file of its own; in shards to be joined in order. */
export interface TaskPart {
  readonly name: string;
  readonly role: 'model' | 'data';
  readonly files: readonly ServedFile[];
}

export interface TaskModel {
  readonly model: readonly TaskPart[];
  readonly config: PageTask['config'];
  /** Absent for what onnxruntime runs. */
  readonly other?: OtherModel | undefined;
}

interface BrowserTask extends Stoppable, TaskModel {
  readonly feeds: readonly Readonly<Record<string, Tensor>>[];
  readonly provider: PageTask['provider'];
  readonly threads: number;
  readonly shaderF16?: boolean | undefined;
  readonly work:
    | Exclude<PageTask['work'], { kind: 'turns' }>
    | (Omit<Extract<PageTask['work'], { kind: 'turns' }>, 'others'> & {
        readonly others: readonly TaskModel[];
      });
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
  const { work } = task;
  const others = work.kind === 'turns' ? work.others : [];
  const files = new Map<string, ServedFile>();
  const [own, ...rest] = [task, ...others].map((model, i) => served(model, `/model/${i}`, files));
  const told: PageTask = {
    ...own!,
    provider: task.provider,
    threads: task.threads,
    shaderF16: task.shaderF16,
    runtimeUrl: '/ort/',
    feedsUrl: '/feeds',
    work: work.kind === 'turns' ? { ...work, others: rest } : work,
  };
  files.set('/index.html', { bytes: html });
  files.set('/page.js', { bytes: await pageScript() });
  files.set('/task', { bytes: JSON.stringify(told) });
  files.set('/feeds', { bytes: encodeFrame(task.feeds.map(toWire)) });
  const runtimes = new Set([task, ...others].flatMap(({ other }) => other?.runtime ?? []));
  for (const runtime of runtimes)
    for (const { name, bytes } of await otherRuntimeFiles[runtime]())
      files.set(`/${runtime}/${name}`, { bytes });
  let receive: (body: Uint8Array) => void = () => {};
  const answered = new Promise<Uint8Array>((resolve) => {
    receive = resolve;
  });
  let opened: Promise<Tab> | undefined;
  let lose: (how: string) => void = () => {};
  const lost = new Promise<never>((_, reject) => {
    lose = (how) => reject(browserCrashed(browser.title, how));
  });
  lost.catch(() => {});
  const server = await serve({
    files,
    folders: { '/ort/': runtimeFolder() },
    isolated: true,
    receive: {
      '/answer': receive,
      '/ready': async () => (await opened)?.slowDown(),
      '/failed': (body) => lose(new TextDecoder().decode(body)),
    },
    held: { '/alive': () => lose('its page is gone') },
  });
  try {
    opened = browser.open(`${server.url}index.html`, task.preset);
    const tab = await opened;
    try {
      const failed = Promise.race([tab.failed, lost]);
      failed.catch(() => {});
      const body = await firstOf(answered, failed, {
        signal,
        timeoutMs,
        title: browser.title,
      });
      return checked(decodeFrame(body) as PageAnswer);
    } finally {
      await tab.close();
    }
  } finally {
    await server.close();
  }
}

/** A script that does not load says nothing by itself, nor does a page that its browser ends: the one is told, the other closes its
 *  connection. */
const html = `<!doctype html><meta charset="utf-8"><title>edgepress</title><body><script>
addEventListener('error', (e) => fetch('failed', { method: 'POST', body: e.message || 'its script does not load' }), true);
fetch('alive').catch(() => {});
</script><script type="module" src="page.js"></script>`;

/** Adds the model's files to `files`, below `folder`. */
function served(
  { model: parts, config, other }: TaskModel,
  folder: string,
  files: Map<string, ServedFile>,
): PageModel {
  const model = parts.map(
    ({ name, role, files: shards }, i): PagePart => ({
      name,
      role,
      urls: shards.map((shard, k) => {
        const url = `${folder}/${i}/${k}`;
        files.set(url, shard);
        return url;
      }),
    }),
  );
  return { model, config, ...(other ? { other: { ...other, url: `/${other.runtime}/` } } : {}) };
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
