/** Rounded weights move the mean of a layer's answers; its bias moves it back.
 *    b' = b + E[op(x, W − Wq)],  by output channel, the mean over samples that calibrated and over places
 *  x is what the layer reads in the model of integers, W its weight before, Wq as it is stored. Convolutions and matrix products
 *  with stored weights, whether they compute in integers or in floats. Kept only where the model's outputs get nearer by it.
 *  Left alone: layers without a bias, or an Add of a constant behind them; biases computed at run time; layers that are another
 *  operator now, or have their weight turned.
 *  Source: Nagel et al. 2019, Data-Free Quantization through Weight Equalization and Bias Correction, arXiv:1906.04721, §4.2. */
import { z } from 'zod';
import { counted, definePass, type Skip } from '../src/compress/pipeline/pass.ts';
import { layerNote } from '../src/compress/quant/layers.ts';
import { addToBias, biasPlace } from '../src/compress/quant/shift-bias.ts';
import type { ShiftRequest } from '../src/compute/calibrate/statistics.ts';
import { constantOf, isOp, type Model, type Node } from '../src/model/ir/model.ts';
import { defineNote } from '../src/model/ir/note.ts';
import type { Tensor } from '../src/model/ir/tensor.ts';
import { nodesOf } from '../src/model/ir/walk.ts';
import { constantBehind } from '../src/model/ops/constant-behind.ts';
import { integerProduct } from '../src/model/ops/quantization.ts';
import { inFloat32, storedWeight } from '../src/model/ops/stored-weight.ts';
import type { NodeWeight } from '../src/model/ops/weights.ts';

const corrected = defineNote<Node, true>('bias corrected');

export const correctBiases = definePass({
  name: 'correct-biases',
  summary: 'Biases take up what rounded weights add to the mean of a layer',
  effect: 'lossy',
  repairs: true,
  describe: counted('bias corrected', 'biases corrected'),
  options: z.strictObject({}),

  needs: () => ({ calibration: true }),

  observe(model, _, { clean }) {
    const originals = clean ? weightsByLayer(clean) : new Map<string, Tensor>();
    return storedProducts(model).flatMap((product): ShiftRequest[] => {
      const { node, index, layout } = product;
      const weight = originals.get(layerNote(node)?.name ?? '');
      const stored = constantBehind(node.inputs[index])!.tensor;
      const isSame = weight && `${weight.dims}` === `${stored.dims}` && layout?.channel != null;
      if (!isSame || typeof biasPlace(product) === 'string') return [];
      const channels = weight.dims[layout.channel!]!;
      return [{ kind: 'shift', value: node.outputs[0]!.name, weight: inFloat32(weight), channels }];
    });
  },

  apply(model, _, { statistics }) {
    const skipped: Skip[] = [];
    let changed = 0;
    for (const product of storedProducts(model)) {
      const { node } = product;
      if (corrected.has(node)) continue;
      const shift = statistics.shift?.(node.outputs[0]!.name);
      const place = biasPlace(product);
      const reason =
        typeof place === 'string' ? place : shift ? addToBias(product, shift) : 'weight-before-unknown';
      if (reason) skipped.push({ at: node.name || node.outputs[0]!.name, reason });
      else {
        corrected.set(node, true);
        changed++;
      }
    }
    return { changed, skipped };
  },
});

/** Convolutions and matrix products whose weight, on the right, is expanded from integers. */
function storedProducts(model: Model): NodeWeight[] {
  return model.graph.nodes.flatMap((node) => {
    const product = isOp(node, 'Conv', 'Gemm', 'MatMul') ? integerProduct(node) : null;
    const isRight = product?.index === 1 && (product.activation ?? 0) === 0;
    if (!product || !isRight || constantOf(node.inputs[1])) return [];
    const behind = constantBehind(node.inputs[1]);
    const isStored =
      behind &&
      /int/.test(behind.tensor.dtype) &&
      !behind.through.some((n) => isOp(n, 'Transpose', 'Reshape'));
    return isStored ? [product] : [];
  });
}

function weightsByLayer(clean: Model): ReadonlyMap<string, Tensor> {
  const found = new Map<string, Tensor>();
  for (const node of nodesOf(clean)) {
    const note = layerNote(node);
    const weight = storedWeight(node.inputs[1]);
    if (note && isOp(node, 'Conv', 'Gemm', 'MatMul') && weight?.order.every((axis, i) => axis === i))
      found.set(note.name, weight.tensor);
  }
  return found;
}
