/** EmbedLayerNormalization: the embeddings of words, positions and segments, added up and normalised.
 *    y = LayerNormalization(word[ids] + position[places] + segment[segments])
 *  ids [B, S], tables [rows, D]; places 0 … S − 1 unless they are an input. Second output: how many elements of the mask
 *  are 1, int32 [B], zeros without a mask; third output: the sum. Source: onnxruntime's EmbedLayerNormalization kernel. */
import { float, floatAttribute } from '../../ir/attribute.ts';
import type { Value } from '../../ir/model.ts';
import { tensorOf } from '../../ir/tensor.ts';
import { type Emit, skip } from '../rule.ts';
import { type Apart, type FusedOperators, inputAt, isRead } from './apart.ts';

const int64 = (...values: number[]) => tensorOf('int64', [values.length], values);
const index = (value: number) => tensorOf('int64', [], [value]);

/** [0, 1, … S − 1] for ids [B, S]. */
function places(emit: Emit, ids: Value): Value {
  const length = emit('Gather', [emit('Shape', [ids]), index(1)], { attributes: { axis: 0 } });
  return emit('Range', [index(0), length, index(1)]);
}

/** How many elements of each row of the mask are 1. */
function maskCounts(emit: Emit, ids: Value, mask: Value | null): Value {
  if (!mask) {
    const rows = emit('Slice', [emit('Shape', [ids]), int64(0), int64(1)]);
    const value = { type: 'tensor', value: tensorOf('int32', [1], [0]) } as const;
    return emit('ConstantOfShape', [rows], { attributes: { value } });
  }
  const ones = emit('Cast', [emit('Equal', [mask, tensorOf('int32', [], [1])])], { attributes: { to: 6 } });
  return emit('ReduceSum', [ones, int64(1)], { attributes: { keepdims: 0 } });
}

const embed: Apart = (node, emit) => {
  if (emit.opset < 17) return skip('needs-opset-17');
  const [ids, segments, words, positions, segmentTable, scale, bias, mask, given] = Array.from(
    { length: 9 },
    (_, i) => inputAt(node, i),
  );
  if (!ids || !words || !positions || !scale) return skip('input-missing');
  const look = (table: Value, rows: Value) => emit('Gather', [table, rows], { attributes: { axis: 0 } });
  const placed = emit('Add', [look(words, ids), look(positions, given ?? places(emit, ids))]);
  const total = segments && segmentTable ? emit('Add', [placed, look(segmentTable, segments)]) : placed;
  const epsilon = float(floatAttribute(node, 'epsilon', 1e-12));
  const y = emit('LayerNormalization', [total, scale, bias ?? null], { attributes: { axis: -1, epsilon } });
  return [y, isRead(node, 1) ? maskCounts(emit, ids, mask ?? null) : null, isRead(node, 2) ? total : null];
};

export const fusedEmbeddings: FusedOperators = {
  'com.microsoft:EmbedLayerNormalization': embed,
};
