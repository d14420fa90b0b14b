/** The gate of a bundle: a variant is published only if it agrees with the original, on the runtime that it is for. */

import type { Engine, Session } from '../compute/engine/contract.ts';
import { openEngine } from '../compute/engine/open.ts';
import { openOn } from '../compute/engine/open-model.ts';
import type { Stoppable, Tell } from '../compute/engine/run-context.ts';
import { readAll } from '../data/read-all.ts';
import type { Sample } from '../data/source.ts';
import { createComparer, type OutputComparison } from '../judge/analyze/compare.ts';
import type { PairResult } from '../judge/report/report.ts';
import { openMeter, taskMeasures } from '../judge/task/measures-of.ts';
import { recogniseTask } from '../judge/task/recognise.ts';
import { decidingOutputs, type Task } from '../judge/task/task.ts';
import type { OpenedModel, Runnable } from '../model/formats/opened.ts';
import type { Port } from '../model/ir/port.ts';
import { sizeBytes, type Tensor } from '../model/ir/tensor.ts';
import type { Variant } from '../ship/emit/manifest.ts';
import { runInBrowser } from '../ship/profile/browser-parity.ts';
import { isOther, type OtherFormat } from '../ship/profile/other-runtimes.ts';
import type { OtherModel } from '../ship/profile/page/messages.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import {
  type Budget,
  fewAgreement,
  type GateData,
  type GateFound,
  outOfBudget,
  parityOf,
  placeOf,
  usualAgreement,
} from './bundle-budget.ts';
import type { VariantPlan } from './bundle-plan.ts';
import { createGateBrowsers } from './gate-browsers.ts';
import { createMeters, feedsFor, isLabelled, runPair } from './run-pair.ts';

export interface GateResult {
  readonly parity: Variant['parity'];
  readonly accuracy: Variant['accuracy'];
  /** Why it must not be published; null when it may be. */
  readonly refused: string | null;
  /** Whether there was nothing to compare it on. */
  readonly isUntried?: boolean;
  /** Where it agrees, or where nothing was to be had to try it on. */
  readonly providers: Variant['providers'];
  /** What to tell about WebGPU: why it was not tried here, or why that provider was dropped. */
  readonly notes: readonly string[];
}

interface GateOptions extends Stoppable {
  readonly original: OpenedModel;
  /** What the model is for; recognised where it is left out. */
  readonly task?: Task | undefined;
  readonly data: GateData;
  readonly budget: Budget;
  /** Of inputs and outputs that are in memory all at once, where a page computes; a few samples are in any case. Default: 200e6. */
  readonly pageBytes?: number;
}

/** Names and types of the outputs. */
type Outputs = readonly Pick<Port, 'name' | 'dtype'>[];

type Checked = Pick<VariantPlan, 'engine' | 'providers' | 'requires' | 'format'> & {
  readonly outputs: Outputs;
};

export interface Gate {
  /** @throws only what is not the variant's fault: no memory, an interrupt, data that can't be read */
  check(
    plan: Checked,
    variant: Pick<OpenedModel, 'name' | 'engineSource'>,
    onProgress: Tell,
  ): Promise<GateResult>;
  close(): Promise<void>;
}

/** WebGPU emulated on the CPU is slow; a few samples show whether its kernels do what others do. */
const fewSamples = 4;

const pageSamples = 100;

export function createGate(options: GateOptions): Gate {
  const { original, data, budget, signal } = options;
  const task = options.task ?? recogniseTask(original.model, { labelled: data.source.labelled });
  const browsers = createGateBrowsers({ signal });
  let kept: { readonly most: number; readonly made: Promise<Recorded> } | null = null;
  /** What the original answers is the same for all that is compared in pages. */
  const recordedOnce = async (most: number) => {
    if (!kept || kept.most < most) kept = { most, made: recorded(options, most) };
    return firstOf(await kept.made, most);
  };
  const nearEnough = (found: GateFound, minAgreement = budget.minAgreement) =>
    outOfBudget(found, data, { ...budget, minAgreement });

  const onEngine = async (variant: Runnable, name: 'wasm' | 'node', onProgress: Tell) => {
    const engine = await openEngine(name);
    const { compare, evaluation } = await runPair(
      { model: original },
      { model: variant },
      { engine, ...data, task, signal, onProgress, pictures: 0 },
    );
    const outputs = compare.outputs as OutputComparison[];
    const found = { task, outputs, measures: compare.measures ?? [] };
    return {
      parity: [parityOf(found, compare.samples, titleOf(engine))],
      accuracy: accuracyOf(evaluation),
      refused: nearEnough(found),
    };
  };

  /** @param other  what TensorFlow.js or LiteRT.js runs; otherwise onnxruntime-web does */
  const inBrowser = async (
    variant: Pick<OpenedModel, 'engineSource'>,
    provider: 'wasm' | 'webgpu',
    requires: VariantPlan['requires'],
    other?: OtherModel,
  ) => {
    const few = provider === 'webgpu';
    const { feeds, outputs: expected, ports, samples } = await recordedOnce(few ? fewSamples : pageSamples);
    const meters = isLabelled(data.source, task) ? createMeters(ports.outputs, data.source) : null;
    const meter = openMeter({ task, ...ports });
    const model = variant.engineSource('bytes');
    const shaderF16 = requires.includes('shader-f16');
    const made = await browsers.tryIn(provider, (browser) =>
      runInBrowser({ model, provider, other, feeds, shaderF16, browser, signal }),
    );
    if ('absent' in made) return made;
    const comparer = createComparer(ports.outputs, ports.inputs, decidingOutputs(task));
    for (const [i, after] of made.outputs.entries()) {
      comparer.add(expected[i]!, after);
      meter?.add(expected[i]!, after, { ...samples[i], inputs: feeds[i]! });
      meters?.add(expected[i]!, after, samples[i]!);
    }
    const result = comparer.result();
    const isPart = few || result.samples < Math.min(data.indices.length, pageSamples);
    const agreement = isPart
      ? fewAgreement(result.samples, budget.minAgreement ?? usualAgreement)
      : undefined;
    const found = { task, outputs: result.outputs, measures: taskMeasures(meter, result.outputs) };
    return {
      parity: [parityOf(found, result.samples, `${made.runtime} (${placeOf(provider, made)})`)],
      accuracy: accuracyOf(meters?.result(made.runtime) ?? null),
      refused: nearEnough(found, agreement),
    };
  };

  /** TensorFlow.js and LiteRT.js: without a browser such a variant is not published. */
  const inPage = async (
    { format, providers, outputs }: Checked & { readonly format: OtherFormat },
    variant: Pick<OpenedModel, 'engineSource'>,
  ) => {
    const other = { runtime: format, outputs: outputs.map(({ name, dtype }) => ({ name, dtype })) };
    const near = await inBrowser(variant, 'wasm', [], other);
    if ('absent' in near) {
      const refused = `it is compared in a page, and there is none: ${near.absent}`;
      return { parity: [], accuracy: null, refused, isUntried: true, providers, notes: [] };
    }
    if (near.refused || !providers.includes('webgpu')) return { ...near, providers, notes: [] };
    return withWebGpu(providers, near, () => inBrowser(variant, 'webgpu', [], other));
  };

  /** Tried on WebGPU as well: that provider is dropped where it goes wrong. */
  const withWebGpu = async (
    providers: GateResult['providers'],
    near: Omit<GateResult, 'providers' | 'notes'>,
    run: () => ReturnType<typeof inBrowser>,
  ): Promise<GateResult> => {
    const real = await run().catch((error: unknown) => {
      signal?.throwIfAborted();
      if (!isItsFault(error)) throw error;
      return { parity: [], refused: error.message };
    });
    if ('absent' in real) return { ...near, providers, notes: [`not tried on WebGPU: ${real.absent}`] };
    const others = providers.filter((p) => p !== 'webgpu');
    if (!real.refused) return { ...near, parity: [...real.parity, ...near.parity], providers, notes: [] };
    if (others.length === 0) return { ...near, refused: `on WebGPU: ${real.refused}`, providers, notes: [] };
    return { ...near, providers: others, notes: [`not offered for WebGPU: ${real.refused}`] };
  };

  const check: Gate['check'] = async (plan, variant, onProgress) => {
    const { providers, format } = plan;
    if (isOther(format)) return inPage({ ...plan, format }, variant);
    const near = await onEngine(variant, plan.engine, onProgress);
    if (near.refused || !providers.includes('webgpu')) return { ...near, providers, notes: [] };
    return withWebGpu(providers, near, () => inBrowser(variant, 'webgpu', plan.requires));
  };

  return {
    async check(plan, ...rest) {
      try {
        return await check(plan, ...rest);
      } catch (error) {
        signal?.throwIfAborted();
        if (!isItsFault(error)) throw error;
        return { parity: [], accuracy: null, refused: error.message, providers: plan.providers, notes: [] };
      }
    },
    close: browsers.close,
  };
}

const isItsFault = (error: unknown): error is Diagnostic =>
  error instanceof Diagnostic && error.kind !== 'environment';

const titleOf = (engine: Engine) =>
  `onnxruntime-${engine.name === 'node' ? 'node' : 'web'} ${engine.version} (${engine.name === 'node' ? 'cpu' : 'wasm'})`;

function accuracyOf(evaluation: PairResult['evaluation']): Variant['accuracy'] {
  // Where it isn't a share the measures against the original say more to a page.
  const top = evaluation?.metrics.find(({ unit }) => unit === 'fraction');
  return top && top.after !== null
    ? { metric: top.name, value: top.after, original: top.before, samples: evaluation!.samples }
    : null;
}

interface Recorded {
  readonly feeds: readonly Record<string, Tensor>[];
  readonly outputs: readonly Record<string, Tensor>[];
  readonly samples: readonly Omit<Sample, 'inputs'>[];
  readonly ports: Pick<Session, 'inputs' | 'outputs'>;
}

const firstOf = ({ feeds, outputs, samples, ports }: Recorded, n: number): Recorded => ({
  ...{ feeds: feeds.slice(0, n), outputs: outputs.slice(0, n), samples: samples.slice(0, n), ports },
});

/** What the original makes of the first samples. */
async function recorded(
  { original, data, signal, pageBytes = 200e6 }: GateOptions,
  most: number,
): Promise<Recorded> {
  const session = await openOn(await openEngine('wasm'), original);
  try {
    const feeds: Record<string, Tensor>[] = [];
    const outputs: Record<string, Tensor>[] = [];
    const samples: Omit<Sample, 'inputs'>[] = [];
    let bytes = 0;
    for await (const sample of readAll(data.source, data.indices.slice(0, most))) {
      signal?.throwIfAborted();
      if (feeds.length >= fewSamples && bytes > pageBytes) break;
      const feed = feedsFor(session, sample);
      const { inputs: _, ...rest } = sample;
      samples.push(rest);
      feeds.push(feed);
      const answer = await session.run(feed);
      outputs.push(answer);
      bytes += [...Object.values(feed), ...Object.values(answer)].reduce((n, t) => n + sizeBytes(t), 0);
    }
    return { feeds, outputs, samples, ports: { inputs: session.inputs, outputs: session.outputs } };
  } finally {
    await session.close();
  }
}
