/** What a model says of its use: names of its classes, and how a picture becomes its input. Kept in the model's metadata, so
 *  that it stays with the model when it is written as ONNX. */
import type { Model } from './model.ts';

const labelsKey = 'edgepress.labels';
const preprocessingKey = 'edgepress.preprocessing';

type WithMetadata = Pick<Model, 'metadata'>;

export function setLabels({ metadata }: WithMetadata, labels: readonly string[]): void {
  metadata.set(labelsKey, JSON.stringify(labels));
}

/** Names of the classes in the order of the scores; null where the model doesn't say. */
export function labelsOf({ metadata }: WithMetadata): string[] | null {
  const labels = parsed(metadata.get(labelsKey));
  return Array.isArray(labels) && labels.every((label) => typeof label === 'string') ? labels : null;
}

/** @param spec  as a preprocessing file has it */
export function setPreprocessing({ metadata }: WithMetadata, spec: Readonly<Record<string, unknown>>): void {
  metadata.set(preprocessingKey, JSON.stringify(spec));
}

/** The same, not checked yet; undefined where the model doesn't say. */
export const preprocessingOf = ({ metadata }: WithMetadata): unknown =>
  parsed(metadata.get(preprocessingKey)) ?? undefined;

/** Codes of 8 bits: (code − zeroPoint)·scale. */
interface Coded {
  readonly scale: number;
  readonly zeroPoint: number;
}

type Spec = Readonly<Record<string, unknown>>;

/** (pixel·scale − mean)/std, one number for all channels or one each. */
interface Normalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** How pixels become codes, from how they become the numbers that those stand for. */
export const normalisationInCodes = (from: Normalisation, { scale, zeroPoint }: Coded) =>
  renormalised(from, (mean, std) => [mean - zeroPoint * std * scale, std * scale]);

export const preprocessingInCodes = (spec: Spec, coded: Coded): Spec => ({
  ...spec,
  ...normalisationInCodes(normalisationOf(spec), coded),
});

/** The other way round. */
export const preprocessingInReals = (spec: Spec, { scale, zeroPoint }: Coded): Spec => ({
  ...spec,
  ...renormalised(normalisationOf(spec), (mean, std) => [mean + zeroPoint * std, std / scale]),
});

function normalisationOf(spec: Spec): Normalisation {
  const listed = (key: string, otherwise: number) => {
    const found = spec[key];
    return Array.isArray(found) && found.length > 0 ? found.map(Number) : [otherwise];
  };
  return { mean: listed('mean', 0), std: listed('std', 1) };
}

function renormalised(
  { mean, std }: Normalisation,
  change: (mean: number, std: number) => [mean: number, std: number],
): { mean: number[]; std: number[] } {
  const changed = Array.from({ length: Math.max(mean.length, std.length) }, (_, i) =>
    change(mean[i % mean.length]!, std[i % std.length]!),
  );
  return { mean: changed.map(([m]) => m), std: changed.map(([, s]) => s) };
}

/** Anybody may have written it. */
function parsed(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}
