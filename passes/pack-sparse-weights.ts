/** Weights with many zeros, stored as a bit for each place and the other values. Ordinary operators put them together when a
 *  runtime loads the model, so any onnxruntime takes the file, results are the same bits and a run takes no longer.
 *  Measured on pruned ResNet-20 and -56, MobileNetV2 and nano-gpt, float and int8, half to nine tenths zero
 *  (bench/sparse-storage.ts): files 3 to 12 % smaller than what Brotli makes of the zeros, mostly 8, and half to a seventh
 *  of their size where nothing compresses them; ONNX's own sparse_initializer, an int64 for each place, is 4 to 64 %
 *  larger under Brotli. What it costs: loading takes longer, and about 18 bytes of WebAssembly memory a weight.
 *  It belongs last: passes after it don't see these weights.
 *  Left alone: tensors under `minElements` or with a smaller share of zeros than `minShare`, where it doesn't pay. */
import { z } from 'zod';
import { counted, definePass, type Skip } from '../src/compress/pipeline/pass.ts';
import {
  denseBytes,
  packedBytes,
  packTogether,
  type SparseContent,
  sparseContent,
} from '../src/compress/prune/sparsity-pack.ts';
import type { Value } from '../src/model/ir/model.ts';
import { isGraphOutput } from '../src/model/ir/model.ts';
import { elementCount, type Tensor } from '../src/model/ir/tensor.ts';
import { formatPercent } from '../src/support/units.ts';

const options = z.strictObject({
  minElements: z.number().int().min(0).default(1024),
  /** Least share of the common value. Under about a third, Brotli does as well by itself. */
  minShare: z.number().min(0).max(1).default(0.3),
  /** Weights that are put together at once; bounds the memory that loading takes. */
  groupElements: z
    .number()
    .int()
    .min(1)
    .default(2 ** 20),
});

export const packSparseWeights = definePass({
  name: 'pack-sparse-weights',
  summary: 'Stores weights with many zeros as bits and values, put together when the model is loaded',
  effect: 'exact',
  describe: counted('weight stored without its zeros', 'weights stored without their zeros'),
  prominence: 10,
  options,

  needs: () => ({ opset: 13 }),

  apply(model, o) {
    const skipped: Skip[] = [];
    const groups = new Map<string, Weight[][]>();
    let changed = 0;
    for (const value of [...model.graph.initializers]) {
      const tensor = value.constant as Tensor;
      const size = elementCount(tensor.dims);
      if (size < o.minElements || tensor.dims.length < 2) continue;
      const content = sparseContent(tensor);
      if (!content || content.common < 0.1 * size) continue;
      const reason = obstacle(value, content, o.minShare);
      if (reason) {
        skipped.push({ at: value.name, reason });
        continue;
      }
      place(groups, { value, content, size }, o.groupElements);
      changed++;
    }
    for (const group of [...groups.values()].flat()) packTogether(model.graph, group);
    return { changed, skipped };
  },
});

interface Weight {
  readonly value: Value;
  readonly content: SparseContent;
  readonly size: number;
}

function obstacle(value: Value, content: SparseContent, minShare: number): string | null {
  const tensor = value.constant as Tensor;
  const share = content.common / elementCount(tensor.dims);
  if (value.overridable) return 'caller-may-override';
  if (isGraphOutput(value)) return 'graph-output';
  if (share < minShare) return `few-zeros: ${formatPercent(share, 0)}`;
  return packedBytes(content) < denseBytes(tensor) ? null : 'does-not-pay';
}

/** By type and common value; a group takes tensors until it is full. */
function place(groups: Map<string, Weight[][]>, weight: Weight, most: number): void {
  const { dtype } = weight.value.constant as Tensor;
  const width = dtype === 'float32' ? 4 : dtype === 'float16' ? 2 : 1;
  const key = `${dtype} ${weight.content.values.subarray(0, width).join()}`;
  const own = groups.get(key) ?? [[]];
  groups.set(key, own);
  const last = own.at(-1) as Weight[];
  const full = last.reduce((n, w) => n + w.size, 0) + weight.size > most;
  if (full && last.length > 0) own.push([weight]);
  else last.push(weight);
}
