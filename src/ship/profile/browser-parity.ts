/** What a model computes in a real browser: the parity gate runs recorded inputs through this. */

import type { ModelSource } from '../../compute/engine/contract.ts';
import type { Stoppable } from '../../compute/engine/run-context.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { internal } from '../../support/diagnostics.ts';
import { runTask, type TaskPart } from './browser-task.ts';
import type { BrowserKind } from './browsers.ts';
import { fromWire } from './isolated-messages.ts';
import { launchBrowser } from './launch.ts';
import type { LaunchedBrowser } from './launched-browser.ts';
import type { OtherModel, PageProvider } from './page/messages.ts';

interface BrowserRun extends Stoppable {
  /** Its bytes, with external data where the model has some. */
  readonly model: Uint8Array | Extract<ModelSource, { bytes: unknown }>;
  readonly provider: PageProvider;
  /** What is not onnxruntime's: a model.json with its weights, or a .tflite file, in `model`. */
  readonly other?: OtherModel | undefined;
  /** The GPU must compute in float16: PAGE_SHADER_F16 where it does not. */
  readonly shaderF16?: boolean;
  /** wasm threads; default 1. */
  readonly threads?: number;
  /** onnxruntime session configuration entries. */
  readonly sessionConfig?: Readonly<Record<string, string>>;
  readonly feeds: readonly Readonly<Record<string, Tensor>>[];
  /** A browser that is open already (with `webgpu` for that provider); otherwise `kind` is started and closed. */
  readonly browser?: LaunchedBrowser;
  /** Default 'chromium'. */
  readonly kind?: BrowserKind;
  /** Default 180 000. */
  readonly timeoutMs?: number;
}

interface BrowserOutputs {
  /** One for each feed, in order. */
  readonly outputs: Record<string, Tensor>[];
  /** "onnxruntime-web 1.30.0" */
  readonly runtime: string;
  /** "Chromium 140.0.7339.127" */
  readonly browser: string;
  /** GPU that WebGPU worked on ("google swiftshader …" is software); null for wasm. */
  readonly adapter: string | null;
}

/** Runs each feed once in a page of its own.
 *  @throws BROWSER_MISSING, BROWSER_LAUNCH, and as `runTask`: PAGE_WEBGPU, ENGINE_OPEN, ENGINE_RUN, BROWSER_TIMEOUT … */
export async function runInBrowser(run: BrowserRun): Promise<BrowserOutputs> {
  const { provider, kind = 'chromium' } = run;
  const browser = run.browser ?? (await launchBrowser(kind, provider === 'webgpu'));
  try {
    const answer = await runTask(browser, {
      model: partsOf(run.model),
      feeds: run.feeds,
      provider,
      threads: run.threads ?? 1,
      shaderF16: run.shaderF16,
      config: run.sessionConfig ?? {},
      other: run.other,
      work: { kind: 'run' },
      signal: run.signal,
      timeoutMs: run.timeoutMs,
    });
    if (!('outputs' in answer)) throw internal('PAGE_ANSWER', 'The page answered another task.');
    const { runtime, adapter } = answer.environment;
    return { outputs: answer.outputs.map(fromWire), runtime, adapter, browser: browser.title };
  } finally {
    if (!run.browser) await browser.close();
  }
}

function partsOf(model: BrowserRun['model']): TaskPart[] {
  const { bytes, externalData = new Map<string, Uint8Array>() } =
    model instanceof Uint8Array ? { bytes: model } : model;
  return [
    { name: 'model.onnx', role: 'model', files: [{ bytes }] },
    ...[...externalData].map(([name, data]): TaskPart => ({ name, role: 'data', files: [{ bytes: data }] })),
  ];
}
