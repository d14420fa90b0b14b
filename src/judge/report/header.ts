/** What is known of a run before its work: told to whoever watches, and part of the report that the run ends with. */
import { engineOfTarget } from '../../compute/engine/open.ts';
import { leftOutOf, type Prepared } from '../../data/prepare-data.ts';
import type { PreprocessingTrial } from '../../data/source.ts';
import { formatOfName } from '../../model/formats/index.ts';
import { tfjsFormat } from '../../model/formats/tfjs/format.ts';
import { tfliteFormat } from '../../model/formats/tflite/format.ts';
import { runtimeBrotliBytes } from '../../ship/profile/runtime-sizes.ts';
import type { TargetName } from '../../support/target.ts';
import type { ModelFacts, Report } from './report.ts';

export interface ReportHeader extends Pick<Report, 'data' | 'probe' | 'task' | 'config'> {
  /** Absent where several are made for. */
  readonly target?: Report['target'];
  readonly source: Pick<
    ModelFacts,
    'file' | 'sizeBytes' | 'parameters' | 'macs' | 'macsAssumed' | 'opset' | 'inputs'
  >;
}

/** @param file  name of the file that will be written */
export const targetFacts = (name: TargetName, file: string): Report['target'] => ({
  name,
  runtime: measuredOn(name),
  runtimeBrotliBytes: pageRuntimeBytes(name, file),
  sessionConfig: {},
});

/** What a page loads beside the model: what opens the file that was written, null where no page is meant. */
function pageRuntimeBytes(target: TargetName, file: string): number | null {
  const format = formatOfName(file);
  if (format === tfjsFormat) return runtimeBrotliBytes('@tensorflow/tfjs-backend-wasm');
  if (format === tfliteFormat) return runtimeBrotliBytes('@litertjs/core');
  return target === 'wasm' ? runtimeBrotliBytes('onnxruntime-web/wasm') : null;
}

/** The runtime that stands for the target. */
function measuredOn(target: TargetName): string {
  if (target === 'litert') return 'LiteRT';
  if (target === 'mobile') return 'onnxruntime on phones';
  return engineOfTarget(target) === 'wasm' ? 'onnxruntime-web' : 'onnxruntime-node';
}

/** Where samples came from, and who was given how many. */
export function dataFacts(prepared: Prepared): NonNullable<Report['data']> {
  const { source, calibration, training, held } = prepared;
  const leftOut = leftOutOf(prepared);
  return {
    source: source.name,
    test: held.source === source ? null : held.source.name,
    kind: held.source.kind,
    calibrationSamples: calibration.length,
    evaluationSamples: held.indices.length,
    ...(training.length > 0 ? { trainingSamples: training.length } : {}),
    labelled: held.source.labelled,
    ...(held.source.labelsUnused === undefined ? {} : { labelsUnused: held.source.labelsUnused }),
    synthetic: held.source.kind === 'synthetic',
    preprocessing: source.preprocessing && { ...source.preprocessing },
    preprocessingGuessed: source.preprocessingGuessed ?? false,
    ...(source.preprocessingTrial ? { preprocessingTrial: trialFacts(source.preprocessingTrial) } : {}),
    ...(leftOut.length > 0 ? { leftOut: [...leftOut] } : {}),
    guessed: [...new Set([...source.guessed, ...held.source.guessed])],
  };
}

const trialFacts = ({ by, samples, scores }: PreprocessingTrial) => ({ by, samples, scores: [...scores] });
