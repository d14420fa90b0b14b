/** `compress` in a web page: the same plan, without files. What is measured, compared and reported needs a machine of its own,
 *  and so does training; a page gets the model. */
import type { z } from 'zod';
import { observe } from '../compute/calibrate/observe.ts';
import type { Samples } from '../compute/calibrate/run-samples.ts';
import { openWasmEngine } from '../compute/engine/onnxruntime-web.ts';
import type { EngineRun } from '../compute/engine/run-context.ts';
import { withPictureLayout } from '../data/picture-layout.ts';
import { decodeModel } from '../model/formats/onnx/read.ts';
import { stripTraces } from '../model/formats/onnx/strip-traces.ts';
import { encodeModel } from '../model/formats/onnx/write.ts';
import { cloneModel } from '../model/ir/clone.ts';
import type { Model } from '../model/ir/model.ts';
import type { Tensor } from '../model/ir/tensor.ts';
import { chooseOutputs } from '../model/rewrite/choose-outputs.ts';
import { withFixedInputs } from '../model/rewrite/fix-inputs.ts';
import { withSizes } from '../model/rewrite/fix-sizes.ts';
import { notInPage } from '../support/diagnostics/command-line.ts';
import { nothingToCompress } from '../support/diagnostics/quantization.ts';
import { parseRequest } from '../support/parse-request.ts';
import { inCallWords } from '../support/respell.ts';
import { checkCompress } from './check-request.ts';
import { compressModel } from './compress.ts';
import type { Recipe } from './pipeline/recipe.ts';
import { isSmaller, type Journal } from './pipeline/run.ts';
import { type PlannedRequest, planCompression } from './plan.ts';
import { planFacts } from './plan-facts.ts';
import { compressRequest } from './request.ts';

/** What of a request is about files, or about what only a machine of its own can do. */
const pageRequest = compressRequest.omit({
  data: true,
  labels: true,
  preprocess: true,
  tokenizer: true,
  window: true,
  sampleRate: true,
  dtype: true,
  skipBad: true,
  evaluate: true,
  testData: true,
  testLabels: true,
  maxDrop: true,
  auto: true,
  minimise: true,
  maxSize: true,
  maxLatency: true,
  time: true,
  choose: true,
  compareChosen: true,
  output: true,
  format: true,
  force: true,
  compare: true,
  measure: true,
  cache: true,
  checkpoint: true,
  gpu: true,
});

interface PageRun extends Partial<EngineRun> {
  /** Samples to find ranges on, as feeds of the model, batch dimension included. */
  readonly data?: readonly Readonly<Record<string, Tensor>>[] | undefined;
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

/** Why each group of weights stays where the recipe took none: the account of every byte, which is worked out behind this
 *  wing. */
export type Reasons = (made: {
  readonly recipe: Recipe;
  readonly model: Model;
  readonly journal: Journal;
}) => Promise<{ readonly asked: string; readonly reasons: readonly string[] }>;

/** Makes a model smaller in a page; nothing is uploaded.
 *  @param model  bytes, or an open model; neither is changed @param options  `engine`: by default onnxruntime-web's wasm
 *  @param reasonsFor  what a refusal says
 *  @example
 *  const { bytes } = await compress(new Uint8Array(await file.arrayBuffer()), { int8: true });
 *  @throws UNKNOWN_OPTION, INVALID_ARGUMENT, OPTION_WITHOUT_EFFECT, NOT_IN_PAGE, NOTHING_TO_QUANTIZE, and what reading and passes
 *    throw */
export const compressInPage = (
  model: Uint8Array | Model,
  options: PageOptions,
  reasonsFor: Reasons,
): Promise<PageResult> => inCallWords(compressRequest, () => compressHere(model, options, reasonsFor));

async function compressHere(
  model: Uint8Array | Model,
  options: PageOptions,
  reasonsFor: Reasons,
): Promise<PageResult> {
  const { data, engine = await openWasmEngine(), signal, onStage = () => {}, ...given } = options;
  parseRequest(pageRequest, given);
  const request = checkCompress({ ...given, data: data && 'samples' });
  const source = chosen(model instanceof Uint8Array ? decodeModel(model) : model, request);
  const { recipe, steps, qat } = await planCompression(request, planFacts(source, 'The model'));
  const [step] = steps;
  if (step || qat) throw notInPage(step?.kind ?? 'train');
  const { samples: most, mseSamples } = recipe.calibration;
  const samples = samplesOf(data?.slice(0, most) ?? []);
  const result = await compressModel(source, {
    ...{ recipe, engine, signal, onStage },
    calibrate:
      data && ((current, requests) => observe(engine, current, requests, samples, { mseSamples, signal })),
  });
  if (!isSmaller(recipe, result.journal)) {
    const { asked, reasons } = await reasonsFor({ recipe, ...result });
    throw nothingToCompress('The model', asked, reasons);
  }
  if (!request.keepMetadata) stripTraces(result.model);
  return { model: result.model, bytes: encodeModel(result.model), journal: result.journal };
}

/** The model as it is to be taken; what a caller holds stays whole. */
function chosen(
  model: Model,
  { outputs, layout, sizes, fix }: Pick<PlannedRequest, 'outputs' | 'layout' | 'sizes' | 'fix'>,
): Model {
  const cut = outputs ? cloneModel(model) : model;
  if (outputs) chooseOutputs(cut, outputs);
  const sized = sizes ? withSizes(cut, sizes) : cut;
  const fixed = fix ? withFixedInputs(sized, fix) : sized;
  return layout ? withPictureLayout(fixed, layout) : fixed;
}

const samplesOf = (data: readonly Readonly<Record<string, Tensor>>[]): Samples => ({
  count: data.length,
  read: async (i) => ({ id: `sample ${i}`, inputs: data[i]! }),
});
