/** Writes a model as a .tflite file. */
import { tfliteOperator } from '../../../../support/diagnostics/tflite-writing.ts';
import type { Model } from '../../../ir/model.ts';
import { channelsLast } from '../../../layout/channels-last.ts';
import { quantizedBlocks } from '../../../rewrite/quantized/blocked.ts';
import type { WriteOptions } from '../../format.ts';
import { lowerModel } from '../../lowered/lower.ts';
import { orRefused } from '../../lowered/refusal.ts';
import { metadataEntry } from '../metadata-schema.ts';
import { buildGraph } from './build.ts';
import { describe, withLabels } from './description.ts';
import { joinGelu } from './gelu.ts';
import { joinDynamicProducts } from './hybrid.ts';
import { remarksOn } from './remarks.ts';
import { serialize } from './serialize.ts';
import { withFixedSizes } from './sizes.ts';

const encoder = new TextEncoder();

/** @returns the bytes of the file
 *  @throws TFLITE_OPERATOR, TFLITE_TYPE, TFLITE_INTEGER, TFLITE_SIZE, TFLITE_TOO_LARGE, and what upgrades and functions throw */
export function writeTflite(model: Model, { remark }: Pick<WriteOptions, 'remark'> = {}): Uint8Array {
  const sized = withFixedSizes(model);
  joinDynamicProducts(sized);
  const { model: lowered } = lowerModel(sized, quantizedBlocks);
  joinGelu(lowered);
  channelsLast(lowered);
  const graph = orRefused(() => buildGraph(lowered), lowered.graph, model, tfliteOperator);
  if (remark) for (const text of remarksOn(graph)) remark(text);
  const description = describe(model, graph);
  const entries = [...model.metadata].map(([name, text]) => [name, encoder.encode(text)] as const);
  const about = description ? [[metadataEntry, description.table] as const] : [];
  const file = serialize(graph, new Map([...entries, ...about]));
  return description?.labels ? withLabels(file, description.labels) : file;
}
