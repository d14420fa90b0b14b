/** The metrics of compress evaluate, and what kind of data each reads. */
import { metricsMixed, metricUnknown } from '../support/diagnostics/generation.ts';

/** 'classes': samples with labels. 'task': what its labels say, such as boxes and masks. 'numbers': samples with target numbers. 'text': a text, or token ids. 'pairs': source and target, tab between. */
export type MetricFamily = 'classes' | 'task' | 'numbers' | 'text' | 'pairs';

const families: Readonly<Record<string, MetricFamily>> = {
  accuracy: 'classes',
  top5: 'classes',
  f1: 'classes',
  map: 'task',
  miou: 'task',
  mse: 'numbers',
  mae: 'numbers',
  r2: 'numbers',
  perplexity: 'text',
  bleu: 'pairs',
  'exact-match': 'pairs',
};

const metricNames: readonly string[] = Object.keys(families);

/** @throws METRIC_UNKNOWN; METRICS_MIXED for names of two families */
export function metricFamily(names: readonly string[]): MetricFamily {
  const unknown = names.find((name) => !Object.hasOwn(families, name));
  if (unknown !== undefined) throw metricUnknown(unknown, metricNames);
  const found = new Set(names.map((name) => families[name]!));
  if (found.size > 1) throw metricsMixed(names);
  return [...found][0] ?? 'classes';
}
