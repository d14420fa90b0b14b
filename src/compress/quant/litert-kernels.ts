/** What LiteRT computes in int8, and what of it is worth it.
 *  Convolutions, depthwise ones too, and products of one row a sample compute in int8, and so does what stands between them; products
 *  over rows of tokens stand between attention and normalisations, which are computed in floats: their ranges are found while
 *  running. Which operators between products gain was measured with bench/litert-kernels.ts and is made again by it: averages of windows
 *  and HardSwish take five to a hundred times as long in int8; convolutions of fewer than about 16 channels take up to twice as long where
 *  the processor has no dot product of int8 that browsers use, and are left to those that have one.
 *  Sources: XNNPACK's and LiteRT's int8 kernels; the scales that they prescribe are those of the format's quantization specification. */
import { isOp, type Node, opKey } from '../../model/ir/model.ts';
import { integerProduct, traitOf } from '../../model/ops/quantization.ts';
import type { QuantizationTrait } from '../../model/ops/types.ts';
import { padsZeros, staysInRange } from './moves.ts';
import type { IntegerKernels, KernelAdvice } from './plan.ts';
import { rows } from './rows.ts';

const sameAsInput: QuantizationTrait = { kind: 'same-as-input' };
const elementwise: QuantizationTrait = { kind: 'elementwise' };

/** Beside those of traitOf. */
const traits: Readonly<Record<string, QuantizationTrait>> = {
  Sub: elementwise,
  Mul: elementwise,
  LeakyRelu: elementwise,
  ReduceMean: elementwise,
  Sigmoid: { kind: 'fixed', range: [0, 255 / 256] },
  Tanh: { kind: 'fixed', range: [-1, 127 / 128] },
  Slice: sameAsInput,
  Split: sameAsInput,
};

function trait(node: Node): QuantizationTrait | undefined {
  if (isOp(node, 'AveragePool')) return undefined;
  if (isOp(node, 'Pad')) return padsZeros(node) ? sameAsInput : undefined;
  if (isOp(node, 'Resize')) return staysInRange(node) ? sameAsInput : undefined;
  const key = opKey(node);
  return traitOf(node) ?? (Object.hasOwn(traits, key) ? traits[key] : undefined);
}

const advice: KernelAdvice = (node) => {
  const missing = dynamic(node);
  if (missing) return missing;
  const product = integerProduct(node);
  return product && !isOp(node, 'Conv', 'ConvTranspose') && rows(product) > 1
    ? 'dynamic-on-litert: what stands around it is computed in float'
    : null;
};

const dynamic: KernelAdvice = (node) =>
  isOp(node, 'LSTM', 'GRU', 'RNN') ? 'no-integer-kernel: recurrent layers are written step by step' : null;

export const litertKernels: IntegerKernels & { readonly dynamic: KernelAdvice } = {
  advice,
  dynamic,
  trait,
  // A product of integers with a result in floats has no kernel: it would be computed in floats.
  scalesResult: () => true,
};
