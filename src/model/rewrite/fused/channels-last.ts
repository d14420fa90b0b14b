/** Convolutions that an optimiser wrote for channels-last activations: NhwcConv, NhwcFusedConv, and Conv and ConvTranspose of
 *  com.ms.internal.nhwc.
 *    y = T⁻¹(activation(Conv(T(x), w, b) + T(z))),  T: [N, …space, C] → [N, C, …space]
 *  w is [M, C/group, …kernel]; that of NhwcConv is [M, …kernel, C/group]. What stands between two of them needs no T, which
 *  collapse-transposes finds. Sources: onnxruntime's nhwc_schema_defs.cc, nhwc_transformer.cc, fusion_nhwc_conv.py. */
import { constantOf, type Value } from '../../ir/model.ts';
import { transposeTensor } from '../../ir/transpose.ts';
import { rankOf } from '../arguments.ts';
import { type Emit, skip } from '../rule.ts';
import { activated } from './activation.ts';
import { type Apart, type FusedOperators, inputAt, unknownActivation, without } from './apart.ts';

const range = (first: number, end: number) => Array.from({ length: end - first }, (_, i) => first + i);

const channelsFirst = (rank: number) => [0, rank - 1, ...range(1, rank - 1)];
const channelsLast = (rank: number) => [0, ...range(2, rank), 1];

const turned = (emit: Emit, v: Value, perm: number[]) => emit('Transpose', [v], { attributes: { perm } });

/** The weight as Conv takes it; a constant is turned here and now. */
function kernelOf(emit: Emit, w: Value, rank: number): Value {
  const tensor = constantOf(w);
  const order = channelsFirst(rank);
  return tensor ? emit.constant(transposeTensor(tensor, order), w) : turned(emit, w, order);
}

const apart =
  (opType: 'Conv' | 'ConvTranspose', kernel: 'channels-first' | 'channels-last'): Apart =>
  (node, emit) => {
    const [x, w, z] = [inputAt(node, 0), inputAt(node, 1), inputAt(node, 3)];
    const rank = rankOf(x ?? w) ?? rankOf(w);
    if (!x || !w || rank === null) return skip('input-rank-unknown');
    const weight = kernel === 'channels-last' ? kernelOf(emit, w, rank) : w;
    const first = (v: Value) => turned(emit, v, channelsFirst(rank));
    const attributes = without(node, 'activation', 'activation_params');
    const product = emit(opType, [first(x), weight, inputAt(node, 2)], { attributes });
    const active = activated(node, emit, z ? emit('Add', [product, first(z)]) : product);
    return active ? turned(emit, active, channelsLast(rank)) : unknownActivation(node);
  };

export const fusedChannelsLast: FusedOperators = {
  'com.microsoft:NhwcConv': apart('Conv', 'channels-last'),
  'com.microsoft:NhwcFusedConv': apart('Conv', 'channels-first'),
  'com.ms.internal.nhwc:Conv': apart('Conv', 'channels-first'),
  'com.ms.internal.nhwc:ConvTranspose': apart('ConvTranspose', 'channels-first'),
};
