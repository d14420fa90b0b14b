/** What became of each layer, for the report. */

import {
  decisionOf,
  floatReason,
  layerNote,
  storedConstants,
  weightBytes,
} from '../../compress/quant/layers.ts';
import type { Model, Node } from '../../model/ir/model.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { nodesOf } from '../../model/ir/walk.ts';
import { modelMacs } from '../../model/ops/cost.ts';
import type { LayerQuality } from '../analyze/layer-quality.ts';
import type { Layer } from './report.ts';

/** What a model's layers are computed in, while the passes are at work. */
export function layersOf(model: Model): Pick<Layer, 'opType' | 'precision' | 'weights'>[] {
  const constants = storedConstants(model);
  return [...nodesOf(model)].flatMap((node) => {
    const note = layerNote(node);
    return note ? [{ opType: note.opType, ...precisionOf(node, constants(node)) }] : [];
  });
}

/** What a layer computes in, and what its weights are stored in where that is narrower. */
function precisionOf(node: Node, constants: readonly Tensor[]): Pick<Layer, 'precision' | 'weights'> {
  const precision = decisionOf(node)?.precision ?? 'float';
  const isNarrow = precision.startsWith('int8') && constants.some((tensor) => tensor.dtype === 'int4');
  return { precision, weights: isNarrow ? 'int4' : undefined };
}

/** Rows in the order of the cleaned graph. */
export function layerTable(clean: Model, result: Model, quality: readonly LayerQuality[]): Layer[] {
  const after = new Map<string, Node>();
  for (const node of nodesOf(result)) {
    const note = layerNote(node);
    if (note) after.set(note.name, node);
  }
  const measured = new Map(quality.map((q) => [q.name, q]));
  const { byNode } = modelMacs(clean);
  const [constantsBefore, constantsAfter] = [storedConstants(clean), storedConstants(result)];
  const rows: Layer[] = [];
  for (const node of nodesOf(clean)) {
    const note = layerNote(node);
    if (!note) continue;
    const became = after.get(note.name);
    const stored = became ? constantsAfter(became) : [];
    const decision = became && decisionOf(became);
    const close = measured.get(note.name);
    rows.push({
      name: note.name,
      opType: note.opType,
      ...(became ? precisionOf(became, stored) : { precision: 'float' }),
      weightBytesBefore: weightBytes(constantsBefore(node)),
      weightBytesAfter: weightBytes(stored),
      macs: byNode.get(node) ?? null,
      sqnrDb: close?.sqnrDb ?? null,
      cosine: close?.cosine ?? null,
      reason: (became && floatReason(became)) ?? (decision ? null : 'not-selected'),
    });
  }
  return rows;
}
