/** The gate of a bundle: a variant is published only if it agrees with the original, on the runtime that it is for. */

import type { Engine } from '../compute/engine/contract.ts';
import { openEngine } from '../compute/engine/open.ts';
import { openOn } from '../compute/engine/open-model.ts';
import type { Stoppable, Tell } from '../compute/engine/run-context.ts';
import { readAll } from '../data/read-all.ts';
import type { DataSource, Sample } from '../data/source.ts';
import { createComparer, type OutputComparison } from '../judge/analyze/compare.ts';
import type { PairResult } from '../judge/report/report.ts';
import type { OpenedModel, Runnable } from '../model/formats/opened.ts';
import type { Port } from '../model/ir/port.ts';
import type { Tensor } from '../model/ir/tensor.ts';
import { scoreOutputs } from '../model/ops/class-scores.ts';
import type { Variant } from '../ship/emit/manifest.ts';
import { runInBrowser } from '../ship/profile/browser-parity.ts';
import { type LaunchedBrowser, launchBrowser } from '../ship/profile/launch.ts';
import { isOther, type OtherFormat } from '../ship/profile/other-runtimes.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import { formatDb, formatPercent } from '../support/units.ts';
import type { VariantPlan } from './bundle-plan.ts';
import { createMeters, feedsFor, runPair } from './run-pair.ts';

export interface Budget {
  /** Share of samples with the same top-1, where outputs are scores and the data is real. */
  readonly minAgreement: number;
  /** dB, for all else. */
  readonly minSqnrDb: number;
}

export interface GateData {
  readonly source: DataSource;
  readonly indices: readonly number[];
}

export interface GateResult {
  readonly parity: Variant['parity'];
  readonly accuracy: Variant['accuracy'];
  /** Why it must not be published; null when it may be. */
  readonly refused: string | null;
  /** Where it agrees, or where nothing was to be had to try it on. */
  readonly providers: Variant['providers'];
  /** What to tell about WebGPU: why it was not tried here, or why that provider was dropped. */
  readonly notes: readonly string[];
}

interface GateOptions extends Stoppable {
  readonly original: OpenedModel;
  readonly data: GateData;
  readonly budget: Budget;
}

/** Names and types of the outputs. */
type Outputs = readonly Pick<Port, 'name' | 'dtype'>[];

export interface Gate {
  /** @throws only what is not the variant's fault: no memory, an interrupt, data that can't be read */
  check(
    plan: Pick<VariantPlan, 'engine' | 'providers' | 'requires' | 'format'> & { readonly outputs: Outputs },
    variant: Pick<OpenedModel, 'name' | 'engineSource'>,
    onProgress: Tell,
  ): Promise<GateResult>;
  close(): Promise<void>;
}

/** WebGPU emulated on the CPU is slow; a few samples show whether its kernels do what others do. */
const browserSamples = 4;

/** Inputs and outputs are in memory all at once. */
const pageSamples = 100;

export function createGate(options: GateOptions): Gate {
  const { original, data, budget, signal } = options;
  let browser: LaunchedBrowser | null = null;
  const nearEnough = (outputs: readonly OutputComparison[], minAgreement = budget.minAgreement) =>
    outOfBudget(outputs, data, { ...budget, minAgreement });

  const onEngine = async (variant: Runnable, name: 'wasm' | 'node', onProgress: Tell) => {
    const engine = await openEngine(name);
    const { compare, evaluation } = await runPair(
      { model: original },
      { model: variant },
      { engine, ...data, signal, onProgress, pictures: 0 },
    );
    const outputs = compare.outputs as OutputComparison[];
    return {
      parity: [parityOf(outputs, compare.samples, titleOf(engine))],
      accuracy: accuracyOf(evaluation),
      refused: nearEnough(outputs),
    };
  };

  const onWebGpu = async (variant: Pick<OpenedModel, 'engineSource'>) => {
    browser ??= await launchBrowser('chromium', true);
    const { feeds, outputs: expected, ports } = await recorded(options, browserSamples);
    const model = variant.engineSource('bytes');
    const made = await runInBrowser({
      ...{ model, provider: 'webgpu', feeds, browser, signal },
    });
    const comparer = createComparer(ports.outputs, ports.inputs, scoreOutputs(original.model));
    for (const [i, after] of made.outputs.entries()) comparer.add(expected[i]!, after);
    const { outputs, samples } = comparer.result();
    const runtime = `${made.runtime} (webgpu, ${made.browser}${made.adapter ? `, ${made.adapter}` : ''})`;
    const refused = nearEnough(outputs, fewAgreement(samples, budget.minAgreement));
    return { parity: [parityOf(outputs, samples, runtime)], refused };
  };

  /** TensorFlow.js and LiteRT.js: without a browser such a variant is not published. */
  const onOther = async (
    runtime: OtherFormat,
    variant: Pick<OpenedModel, 'engineSource'>,
    outputs: Outputs,
  ) => {
    browser ??= await launchBrowser('chromium', true);
    const { feeds, outputs: expected, ports, samples } = await recorded(options, pageSamples);
    const meters = data.source.labelled ? createMeters(ports.outputs, data.source) : null;
    const model = variant.engineSource('bytes');
    const other = { runtime, outputs: outputs.map(({ name, dtype }) => ({ name, dtype })) };
    const made = await runInBrowser({ model, provider: 'wasm', other, feeds, browser, signal });
    const comparer = createComparer(ports.outputs, ports.inputs, scoreOutputs(original.model));
    for (const [i, after] of made.outputs.entries()) {
      comparer.add(expected[i]!, after);
      meters?.add(expected[i]!, after, samples[i]!);
    }
    const result = comparer.result();
    return {
      parity: [parityOf(result.outputs, result.samples, `${made.runtime} (${made.browser})`)],
      accuracy: accuracyOf(meters?.result(made.runtime) ?? null),
      refused: nearEnough(result.outputs),
      notes: [],
    };
  };

  const otherOr = async (error: unknown) => {
    signal?.throwIfAborted();
    const absent = absence(error, { requires: [] });
    if (absent === null) throw error;
    const refused = `it is compared in a page, and there is ${absent}`;
    return { parity: [], accuracy: null, refused, notes: [] };
  };

  const check: Gate['check'] = async (plan, variant, onProgress) => {
    const { providers, format } = plan;
    if (isOther(format))
      return { ...(await onOther(format, variant, plan.outputs).catch(otherOr)), providers };
    const near = await onEngine(variant, plan.engine, onProgress);
    if (near.refused || !providers.includes('webgpu')) return { ...near, providers, notes: [] };
    const real = await onWebGpu(variant).catch((error: unknown) => {
      signal?.throwIfAborted();
      const absent = absence(error, plan);
      if (absent !== null) return { absent };
      if (!isItsFault(error)) throw error;
      return { parity: [], refused: error.message };
    });
    if ('absent' in real) return { ...near, providers, notes: [`not tried on WebGPU: ${real.absent}`] };
    const others = providers.filter((p) => p !== 'webgpu');
    if (!real.refused) return { ...near, parity: [...real.parity, ...near.parity], providers, notes: [] };
    if (others.length === 0) return { ...near, refused: `on WebGPU: ${real.refused}`, providers, notes: [] };
    return { ...near, providers: others, notes: [`not offered for WebGPU: ${real.refused}`] };
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
    async close() {
      await browser?.close();
      browser = null;
    },
  };
}

const isItsFault = (error: unknown): error is Diagnostic =>
  error instanceof Diagnostic && error.kind !== 'environment';

const titleOf = (engine: Engine) =>
  `onnxruntime-${engine.name === 'node' ? 'node' : 'web'} ${engine.version} (${engine.name === 'node' ? 'cpu' : 'wasm'})`;

function accuracyOf(evaluation: PairResult['evaluation']): Variant['accuracy'] {
  const top = evaluation?.metrics[0];
  return top && top.after !== null
    ? { metric: top.name, value: top.after, original: top.before, samples: evaluation!.samples }
    : null;
}

/** What the original makes of a few samples. */
async function recorded({ original, data, signal }: GateOptions, most: number) {
  const session = await openOn(await openEngine('wasm'), original);
  try {
    const feeds: Record<string, Tensor>[] = [];
    const outputs: Record<string, Tensor>[] = [];
    const samples: Omit<Sample, 'inputs'>[] = [];
    for await (const sample of readAll(data.source, data.indices.slice(0, most))) {
      signal?.throwIfAborted();
      const feed = feedsFor(session, sample);
      const { inputs: _, ...rest } = sample;
      samples.push(rest);
      feeds.push(feed);
      outputs.push(await session.run(feed));
    }
    return { feeds, outputs, samples, ports: { inputs: session.inputs, outputs: session.outputs } };
  } finally {
    await session.close();
  }
}

/** Why WebGPU could not be had on this machine; null when the failure is the variant's own. */
function absence(error: unknown, { requires }: Pick<VariantPlan, 'requires'>): string | null {
  if (!(error instanceof Diagnostic)) return null;
  if (error.code === 'BROWSER_MISSING') return 'no Chromium here';
  if (error.code === 'BROWSER_LAUNCH' || error.code === 'ENGINE_MISSING')
    return 'Chromium does not start here';
  if (error.code === 'PAGE_WEBGPU') return 'no WebGPU here';
  const lacksHalf = requires.includes('shader-f16') && /f16|float16|shader-f16/i.test(error.message);
  return lacksHalf ? 'the GPU here has no shader-f16' : null;
}

function parityOf(outputs: readonly OutputComparison[], samples: number, runtime: string) {
  const worst = (values: readonly (number | null)[]) => {
    const known = values.filter((v) => v !== null);
    return known.length === 0 ? null : Math.min(...known);
  };
  return {
    runtime,
    samples,
    sqnrDb: worst(outputs.map((o) => o.sqnrDb)),
    cosine: worst(outputs.map((o) => o.cosine)),
    top1Agreement: worst(outputs.map((o) => o.top1Agreement)),
  };
}

/** An error that is smaller than this is none, where an output is all zero. */
const nothing = 1e-3;

/** Of few samples, one that differs may be chance: a variant that agrees on 94 of 100 agrees on all of four only three
 *  times out of four. Kernels that are wrong disagree on more than one. */
const fewAgreement = (samples: number, minAgreement: number) =>
  1 - Math.ceil(samples * (1 - minAgreement) - 1e-9) / samples;

function outOfBudget(
  outputs: readonly OutputComparison[],
  { source }: GateData,
  { minAgreement, minSqnrDb }: Budget,
): string | null {
  for (const o of outputs) {
    if (o.nonFinite > 0) return `${o.nonFinite} values of output "${o.name}" are not finite, or were not`;
    // Noise has no classes: its top-1 says little.
    if (o.top1Agreement !== null && source.kind !== 'synthetic') {
      if (o.top1Agreement < minAgreement)
        return `same top-1 on ${formatPercent(o.top1Agreement)} of rows of "${o.name}", at least ${formatPercent(minAgreement)} asked`;
    } else if (o.sqnrDb !== null) {
      if (o.sqnrDb < minSqnrDb)
        return `output "${o.name}" has SQNR ${formatDb(o.sqnrDb)}, at least ${formatDb(minSqnrDb)} asked`;
    } else if (o.maxAbsError > nothing) return `output "${o.name}" was all zero and is not any more`;
  }
  return null;
}
