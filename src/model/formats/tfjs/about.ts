/** What a model.json says beside network and weights: who made it, and whatever its maker keeps in it. It stays with the model as
 *  metadata, so that it is there again when the model is written as TensorFlow.js, also by way of ONNX. */
import { version } from '../../../support/version.ts';
import type { Model } from '../../ir/model.ts';
import type { ModelJson } from './model-json.ts';

const own = 'tfjs.';
const keys = {
  generatedBy: `${own}generatedBy`,
  convertedBy: `${own}convertedBy`,
  /** Entries of userDefinedMetadata that are no texts, as JSON. Texts are metadata as they are. */
  entries: `${own}userDefinedMetadata`,
  /** Nodes behind the public names, where they are called otherwise, as JSON: pages ask for either. */
  nodes: `${own}nodes`,
} as const;

type Json = Pick<ModelJson, 'metadata' | 'generatedBy' | 'convertedBy'>;

export function keepAbout({ metadata }: Pick<Model, 'metadata'>, json: Json): void {
  const others: [string, unknown][] = [];
  for (const [key, value] of Object.entries(json.metadata)) {
    if (key === 'signature') continue;
    if (typeof value === 'string' && !key.startsWith(own)) metadata.set(key, value);
    else others.push([key, value]);
  }
  if (others.length > 0) metadata.set(keys.entries, JSON.stringify(Object.fromEntries(others)));
  if (json.generatedBy) metadata.set(keys.generatedBy, json.generatedBy);
  if (json.convertedBy) metadata.set(keys.convertedBy, json.convertedBy);
}

/** @param nodes  by public name */
export function keepNodeNames({ metadata }: Pick<Model, 'metadata'>, nodes: Iterable<[string, string]>) {
  const others = [...nodes].filter(([name, node]) => node !== plainNodeName(name));
  if (others.length > 0) metadata.set(keys.nodes, JSON.stringify(Object.fromEntries(others)));
}

/** "Identity_1:0" is the first output of "Identity_1". */
const plainNodeName = (name: string) => name.replace(/:0$/, '');

/** The node that a public name stands for. */
export function nodeNames({ metadata }: Pick<Model, 'metadata'>): (name: string) => string {
  const kept = parsed(metadata.get(keys.nodes));
  return (name) => {
    const node = Object.hasOwn(kept, name) ? kept[name] : undefined;
    return typeof node === 'string' ? node : plainNodeName(name);
  };
}

/** Who made it, as the file says: "keras v2.8.0, TensorFlow.js Converter v3.13.0". Null for models of other formats. */
export function makersOf({ metadata }: Pick<Model, 'metadata'>): string | null {
  const makers = [metadata.get(keys.generatedBy), metadata.get(keys.convertedBy)].filter((text) => text);
  return makers.length > 0 ? [...new Set(makers)].join(', ') : null;
}

/** The head of the file. Its first two entries say that the file is ours. */
export const headOf = ({ metadata, producer }: Pick<Model, 'metadata' | 'producer'>) => ({
  format: 'graph-model',
  convertedBy: `edgepress ${version}`,
  generatedBy: metadata.get(keys.generatedBy) ?? (`${producer.name} ${producer.version}`.trim() || 'unknown'),
});

/** What the model says about itself: labels, preprocessing, whatever its metadata holds. */
export function aboutOf({ metadata }: Pick<Model, 'metadata'>): { userDefinedMetadata?: object } {
  const texts = [...metadata].filter(([key]) => !key.startsWith(own));
  const entries = { ...parsed(metadata.get(keys.entries)), ...Object.fromEntries(texts) };
  return Object.keys(entries).length > 0 ? { userDefinedMetadata: entries } : {};
}

/** Anybody may have written it. */
function parsed(json: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = json === undefined ? {} : JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {};
  }
}
