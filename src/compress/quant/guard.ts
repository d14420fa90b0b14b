/** Keeps a float product float. At load onnxruntime (WeightBiasQuantization, 1.30) takes a Conv or Gemm that reads a
 *  dequantised activation and a float weight, quantises that weight itself with one scale for the whole tensor, and
 *  fuses an integer kernel: on MobileNetV2 with float depthwise layers that costs 3 points of top-1 and runs slower on
 *  wasm. It leaves nodes alone whose bias is not a plain constant, so the bias is stored as int32 behind a
 *  DequantizeLinear: exact to float32's precision, and a few numbers to expand at each run. */
import { addInitializer, addNode, setInput } from '../../model/ir/edit.ts';
import { constantOf, type Node, shapeOf } from '../../model/ir/model.ts';
import { float32Values, scalar, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { integerProduct } from '../../model/ops/quantization.ts';
import type { NodeWeight } from '../../model/ops/weights.ts';
import { noteStored } from './insert.ts';

/** Guards one float product; no effect on MatMul, which has no bias and which onnxruntime leaves alone. */
export function guardFloatProduct(node: Node): void {
  const product = integerProduct(node);
  if (!product || product.bias === null) return;
  const { graph } = node;
  const old = node.inputs[product.bias];
  const constant = old ? constantOf(old) : null;
  if (old && !constant) return;
  const channels = old ? null : outputChannels(product);
  if (!old && channels === null) return;
  const values = constant ? float32Values(constant) : new Float32Array(channels!);
  const dims = constant ? constant.dims : [channels!];
  const made = guardSteps(values, dims);
  const base = old?.name ?? `${node.name || node.outputs[0]!.name}/bias`;
  const stored = addInitializer(graph, `${base}/int32`, made.steps);
  const step = addInitializer(graph, `${base}/step`, made.step);
  const dq = addNode(
    graph,
    {
      opType: 'DequantizeLinear',
      name: `${base}/dequantize`,
      inputs: [stored, step],
      outputs: [`${base}/dequantized`],
    },
    node,
  );
  noteStored(dq, { kind: 'guard', of: old?.name ?? null });
  dq.outputs[0]!.type = tensorType('float32', dims);
  setInput(node, product.bias, dq.outputs[0]!);
}

/** A bias as int32, exact to float32's precision. */
export function guardSteps(values: Float32Array, dims: readonly number[]): { steps: Tensor; step: Tensor } {
  const largest = values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const step = largest === 0 ? 1 : largest / 2 ** 30;
  return {
    steps: tensorOf(
      'int32',
      dims,
      Int32Array.from(values, (v) => Math.round(v / step)),
    ),
    step: scalar('float32', step),
  };
}

function outputChannels({ node, index, layout }: NodeWeight): number | null {
  const dim = shapeOf(node.inputs[index])?.[layout?.channel ?? -1];
  return typeof dim === 'number' ? dim : null;
}
