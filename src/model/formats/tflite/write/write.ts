/** Writes a model as a .tflite file. */
import { tfliteOperator } from '../../../../support/diagnostics/tflite-writing.ts';
import type { Model } from '../../../ir/model.ts';
import { channelsLast } from '../../../layout/channels-last.ts';
import { realOperators } from '../../../rewrite/quantized/real.ts';
import type { WriteOptions } from '../../format.ts';
import { lowerModel } from '../../lowered/lower.ts';
import { orRefused } from '../../lowered/refusal.ts';
import { metadataEntry } from '../metadata-schema.ts';
import { type BuiltGraph, buildGraph } from './build.ts';
import { describe, withLabels } from './description.ts';
import { joinGelu } from './gelu.ts';
import type { LiteGraph } from './graph.ts';
import { joinDynamicProducts } from './hybrid.ts';
import { withOpenSizes } from './open-sizes.ts';
import { remarksOn } from './remarks.ts';
import { serialize } from './serialize.ts';
import { isBatchOpen, withFixedSizes } from './sizes.ts';

const encoder = new TextEncoder();

/** Another batch than the file's, to see what depends on it. */
const otherBatch = 3;

/** @param remark  told, in a sentence, what isn't in the file as in the model
 *  @returns the bytes of the file
 *  @throws TFLITE_OPERATOR, TFLITE_TYPE, TFLITE_INTEGER, TFLITE_SIZE, TFLITE_TOO_LARGE, and what upgrades and functions throw */
export function writeTflite(
  model: Model,
  { remark, openBatch = false }: Pick<WriteOptions, 'remark' | 'openBatch'> = {},
): Uint8Array {
  const built = graphOf(model, 1);
  if (remark) for (const text of remarksOn(built)) remark(text);
  const opened = isBatchOpen(model) ? openedOr(built, openBatch, model) : built;
  if (typeof opened === 'string') remark?.(`the batch is 1, where the model leaves it open: ${opened}`);
  const graph = typeof opened === 'string' ? built : opened;
  const description = describe(model, graph);
  const entries = [...model.metadata].map(([name, text]) => [name, encoder.encode(text)] as const);
  const about = description ? [[metadataEntry, description.table] as const] : [];
  const file = serialize(graph, new Map([...entries, ...about]));
  return description?.labels ? withLabels(file, description.labels) : file;
}

/** @param batch  where the model leaves it open */
function graphOf(model: Model, batch: number): BuiltGraph {
  const sized = withFixedSizes(model, batch);
  joinDynamicProducts(sized);
  const { model: lowered } = lowerModel(sized, realOperators);
  joinGelu(lowered);
  channelsLast(lowered);
  return orRefused(() => buildGraph(lowered), lowered.graph, model, tfliteOperator);
}

/** With an open batch, or why not. */
const openedOr = (graph: BuiltGraph, openBatch: boolean, model: Model): LiteGraph | string =>
  openBatch
    ? withOpenSizes(graph, () => graphOf(model, otherBatch))
    : 'LiteRT.js takes no open one; --open-batch is for interpreters that resize inputs';
