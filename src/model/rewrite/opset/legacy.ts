/** What nodes of ai.onnx 1 to 6 have to change on the way to 7, from which on operators broadcast as NumPy does: the part of
 *  adaptations.ts before the oldest operators that runtimes have kernels for. Sources: ONNX Changelog; the refusals of
 *  ONNX's version converter for nodes that train. */
import {
  attribute,
  float,
  floatAttribute,
  floats,
  intAttribute,
  intsAttribute,
  textAttribute,
} from '../../ir/attribute.ts';
import { dtypeFromName, dtypes } from '../../ir/dtype.ts';
import { addNode, setAttribute, setInput } from '../../ir/edit.ts';
import { type Node, shapeOf } from '../../ir/model.ts';
import { tensorOf } from '../../ir/tensor.ts';
import { constantNumbers, normalAxis, rankOf, scalarOf } from '../arguments.ts';
import { type Adaptation, firstOutputOnly } from './adapter.ts';

/** Said which inputs a kernel might overwrite. */
const consumedInputs: Adaptation = (node) => setAttribute(node, 'consumed_inputs', undefined);

// biome-ignore format: a list of names reads best in rows
const consumers = [
  'Abs', 'Ceil', 'Clip', 'Elu', 'Exp', 'Floor', 'HardSigmoid', 'InstanceNormalization', 'LeakyRelu', 'Log', 'Max',
  'Mean', 'Min', 'Neg', 'Reciprocal', 'Relu', 'Sigmoid', 'Sqrt', 'Sum', 'Tanh',
];

const broadcasters = ['Add', 'And', 'Div', 'Equal', 'Greater', 'Less', 'Mul', 'Or', 'Pow', 'Sub', 'Xor'];

/** Puts axes of size 1 behind those of an input. */
function addTrailingAxes(node: Node, index: number, count: number): void {
  const input = node.inputs[index]!;
  const from = rankOf(input)!;
  const { outputs } = addNode(
    node.graph,
    {
      opType: 'Unsqueeze',
      name: node.name ? `${node.name}/unsqueeze` : '',
      inputs: [input],
      outputs: [`${input.name}/unsqueezed`],
      attributes: { axes: Array.from({ length: count }, (_, i) => from + i) },
    },
    node,
  );
  setInput(node, index, outputs[0]!);
}

/** The second input met the axes of the first from `axis` on, by default the last ones. */
const broadcast: Adaptation = (node, a) => {
  const axis = intAttribute(node, 'axis');
  if (axis !== undefined && intAttribute(node, 'broadcast', 0) !== 0) {
    const [rank, inner] = [rankOf(node.inputs[0]), rankOf(node.inputs[1])];
    if (rank === null || inner === null) throw a.unsupported(node, 'the ranks of its inputs are not known');
    const behind = rank - normalAxis(axis, rank) - inner;
    // Axes of size 1 may reach further than the first input's; they broadcast anyway.
    if (axis >= 0 && behind > 0) addTrailingAxes(node, 1, behind);
  }
  setAttribute(node, 'axis', undefined);
  setAttribute(node, 'broadcast', undefined);
};

/** One slope a channel, which is axis 1. */
const slopes: Adaptation = (node, a) => {
  const rank = rankOf(node.inputs[0]);
  const shape = shapeOf(node.inputs[1]);
  if (!shape) throw a.unsupported(node, 'the rank of its slopes is not known');
  if (shape.length !== 1 || shape[0] === 1) return;
  if (rank === null) throw a.unsupported(node, 'the rank of its input is not known');
  if (rank > 2) addTrailingAxes(node, 1, rank - 2);
};

/** In test mode unless is_test says otherwise; its further outputs are filled in training only. */
const testMode: Adaptation = (node, a) => {
  if (intAttribute(node, 'is_test', 1) === 0)
    throw a.unsupported(node, 'it is in training mode (is_test = 0)');
  setAttribute(node, 'is_test', undefined);
};

const batchNorm: Adaptation = (node, a) => {
  testMode(node, a);
  firstOutputOnly('what it learns in training is read')(node, a);
};

/** "FLOAT" → its code. */
const castTo: Adaptation = (node, a) => {
  const name = textAttribute(node, 'to');
  if (name === undefined) return;
  const dtype = dtypeFromName(name);
  if (!dtype) throw a.unsupported(node, `it casts to "${name}", which is no type`);
  setAttribute(node, 'to', attribute(dtypes[dtype].code));
};

const reshapeTarget: Adaptation = (node, a) => {
  if (node.inputs[1]) return;
  const shape = intsAttribute(node, 'shape');
  if (!shape) throw a.unsupported(node, 'it has no shape');
  setInput(node, 1, a.constant(node, 'shape', tensorOf('int64', [shape.length], shape)));
  setAttribute(node, 'shape', undefined);
};

/** x, tiles, axis → x, repeats */
const tileRepeats: Adaptation = (node, a) => {
  if (!node.inputs[2]) return;
  const rank = rankOf(node.inputs[0]);
  const [tiles, axis] = [scalarOf(node.inputs[1]), scalarOf(node.inputs[2])];
  if (rank === null || tiles === null || axis === null)
    throw a.unsupported(node, 'its axis, its number of tiles or the rank of its input is not known');
  const repeats = Array.from({ length: rank }, (_, i) => (i === normalAxis(axis, rank) ? tiles : 1));
  setInput(node, 2, null);
  setInput(node, 1, a.constant(node, 'repeats', tensorOf('int64', [rank], repeats)));
};

/** The lengths could be an input in version 1; from 13 on they are one again. */
const splitLengths: Adaptation = (node, a) => {
  if (!node.inputs[1]) return;
  const lengths = constantNumbers(node.inputs[1]);
  if (!lengths) throw a.unsupported(node, 'its lengths are known only at run time');
  setInput(node, 1, null);
  setAttribute(node, 'split', attribute(lengths));
};

const padsName: Adaptation = (node) => {
  if (node.attributes.has('pads')) return;
  setAttribute(node, 'pads', node.attributes.get('paddings'));
  setAttribute(node, 'paddings', undefined);
};

const wholePower: Adaptation = (node, a) => {
  const p = floatAttribute(node, 'p', 2);
  if (!Number.isInteger(p)) throw a.unsupported(node, `its power ${p} is not a whole number`);
  setAttribute(node, 'p', p);
};

const upsampleScales: Adaptation = (node) => {
  const [height, width] = ['height_scale', 'width_scale'].map((name) => floatAttribute(node, name, 1));
  if (!node.attributes.has('scales')) setAttribute(node, 'scales', floats([1, 1, height!, width!]));
  if (textAttribute(node, 'mode') === 'bilinear') setAttribute(node, 'mode', 'linear');
  setAttribute(node, 'height_scale', undefined);
  setAttribute(node, 'width_scale', undefined);
};

/** The defaults of version 1 had fewer digits than those of 6. */
const selu: Adaptation = (node) => {
  setAttribute(node, 'alpha', float(floatAttribute(node, 'alpha', 1.6732)));
  setAttribute(node, 'gamma', float(floatAttribute(node, 'gamma', 1.0507)));
  setAttribute(node, 'consumed_inputs', undefined);
};

const concatAxis: Adaptation = (node) => setAttribute(node, 'axis', intAttribute(node, 'axis', 1));

/** Said whether somebody wants the first output; now a node lists it, or not. */
const sequenceOutput: Adaptation = (node) => setAttribute(node, 'output_sequence', undefined);

const rows = (ops: readonly string[], adapt: Readonly<Record<number, Adaptation>>) =>
  Object.fromEntries(ops.map((op) => [op, adapt]));

/** By operator, then by the version that brought the change. */
export const legacy: Readonly<Record<string, Readonly<Record<number, Adaptation>>>> = {
  ...rows(consumers, { 6: consumedInputs }),
  ...rows(broadcasters, { 6: consumedInputs, 7: broadcast }),
  ...rows(['GRU', 'LSTM', 'RNN'], { 7: sequenceOutput }),
  ...rows(['GlobalLpPool', 'LpPool'], { 2: wholePower }),
  BatchNormalization: { 6: consumedInputs, 7: batchNorm },
  Cast: { 6: castTo },
  Concat: { 4: concatAxis },
  Dropout: { 6: consumedInputs, 7: testMode },
  Gemm: { 7: (node) => setAttribute(node, 'broadcast', undefined) },
  PRelu: { 6: consumedInputs, 7: slopes },
  Pad: { 2: padsName },
  Reshape: { 5: reshapeTarget },
  Selu: { 6: selu },
  Split: { 2: splitLengths },
  Tile: { 6: tileRepeats },
  Upsample: { 7: upsampleScales },
};
