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

/** Anybody may have written it. */
function parsed(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}
