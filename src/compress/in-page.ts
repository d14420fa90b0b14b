/** `compress` in a web page: the same plan, without files. What is measured, compared and reported needs a machine of its own,
 *  and so does training; a page gets the model. */
import type { z } from 'zod';
import { observe } from '../compute/calibrate/observe.ts';
import type { Samples } from '../compute/calibrate/run-samples.ts';
import type { Engine } from '../compute/engine/contract.ts';
import { openWasmEngine } from '../compute/engine/onnxruntime-web.ts';
import { decodeModel } from '../model/formats/onnx/read.ts';
import { encodeModel } from '../model/formats/onnx/write.ts';
import type { Model } from '../model/ir/model.ts';
import type { Tensor } from '../model/ir/tensor.ts';
import { notInPage } from '../support/diagnostics/command-line.ts';
import { nothingToCompress } from '../support/diagnostics/quantization.ts';
import { parseRequest } from '../support/parse-request.ts';
import { checkCompress } from './check-request.ts';
import { compressModel } from './compress.ts';
import { isSmaller, type Journal } from './pipeline/run.ts';
import { planCompression } from './plan.ts';
import { planFacts } from './plan-facts.ts';
import { compressRequest } from './request.ts';

/** What of a request is about files, or about what only a machine of its own can do. */
const pageRequest = compressRequest.omit({
  data: true,
  labels: true,
  preprocess: true,
  skipBad: true,
  evaluate: true,
  testData: true,
  testLabels: true,
  maxDrop: true,
  output: true,
  force: true,
  compare: true,
  measure: true,
  cache: true,
  checkpoint: true,
  gpu: true,
});

export interface PageRun {
  /** Samples to find ranges on, as feeds of the model, batch dimension included. */
  readonly data?: readonly Readonly<Record<string, Tensor>>[] | undefined;
  /** Default: onnxruntime-web's wasm. */
  readonly engine?: Engine | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of each stage of the recipe as it begins. */
  readonly onStage?: ((name: string) => void) | undefined;
}

export type PageOptions = z.input<typeof pageRequest> & PageRun;

export interface PageResult {
  readonly model: Model;
  /** The file: ".onnx". */
  readonly bytes: Uint8Array;
  /** What each pass changed, and what it left alone and why. */
  readonly journal: Journal;
}

/** Makes a model smaller in a page; nothing is uploaded.
 *  @param model  bytes, or an open model; neither is changed
 *  @example
 *  const { bytes } = await compress(new Uint8Array(await file.arrayBuffer()), { int8: true });
 *  @throws UNKNOWN_OPTION, INVALID_ARGUMENT, OPTION_WITHOUT_EFFECT, NOT_IN_PAGE, NOTHING_TO_QUANTIZE, and what reading and passes
 *    throw */
export async function compressInPage(
  model: Uint8Array | Model,
  options: PageOptions = {},
): Promise<PageResult> {
  const { data, engine = await openWasmEngine(), signal, onStage = () => {}, ...given } = options;
  parseRequest(pageRequest, given);
  const request = checkCompress({ ...given, ...(data ? { data: 'samples' } : {}) });
  const source = model instanceof Uint8Array ? decodeModel(model) : model;
  const { recipe, steps, qat } = await planCompression(request, planFacts(source, 'The model'));
  const [step] = steps;
  if (step || qat) throw notInPage(step?.kind ?? 'train');
  const { samples: most, mseSamples } = recipe.calibration;
  const samples = samplesOf(data?.slice(0, most) ?? []);
  const result = await compressModel(source, {
    ...{ recipe, engine, signal, onStage },
    calibrate:
      data &&
      ((current, requests) =>
        observe(engine, current, requests, samples, { mseSamples, ...(signal ? { signal } : {}) })),
  });
  if (!isSmaller(recipe, result.journal))
    throw nothingToCompress('The model', `recipe "${recipe.name}"`, skipTexts(result.journal));
  return { model: result.model, bytes: encodeModel(result.model), journal: result.journal };
}

const samplesOf = (data: readonly Readonly<Record<string, Tensor>>[]): Samples => ({
  count: data.length,
  read: async (i) => ({ id: `sample ${i}`, inputs: data[i]! }),
});

/** The reasons of the first few; the account of every byte needs a report, which a page has none of. */
function skipTexts({ skips }: Journal): string[] {
  const texts = skips.slice(0, 4).map(({ at, reason }) => `"${at}" ${reason}`);
  return texts.length > 0 ? texts : ['no pass found a weight that it takes'];
}
