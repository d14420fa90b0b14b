/** What is said of weights in blocks where a file of LiteRT is written: it takes more for each block than ONNX does. */
import { formatOfName } from '../model/formats/index.ts';
import { intAttribute } from '../model/ir/attribute.ts';
import { constantOf, isOp, type Model, type Node } from '../model/ir/model.ts';
import { elementCount } from '../model/ir/tensor.ts';
import { nodesOf } from '../model/ir/walk.ts';
import { formatBytes } from '../support/units.ts';

/** Bytes of a zero point in a .tflite file, which has one for every scale. */
const zeroPointBytes = 8;

/** One remark for a .tflite file of a model with such weights, none for others. @param target  name of the file */
export function blockRemarks(model: Model, target: string): string[] {
  if (formatOfName(target).id !== 'tflite') return [];
  const scales = new Set([...nodesOf(model)].map((node) => node.inputs[scaleAt(node)]));
  const blocks = [...scales].reduce((sum, v) => sum + elementCount(constantOf(v)?.dims ?? [0]), 0);
  return blocks === 0
    ? []
    : [
        `LiteRT has a zero point for each of the ${blocks} blocks of its weights, which adds ${formatBytes(blocks * zeroPointBytes)} to the file.`,
      ];
}

function scaleAt(node: Node): number {
  if (isOp(node, 'com.microsoft:MatMulNBits', 'com.microsoft:GatherBlockQuantized')) return 2;
  return isOp(node, 'DequantizeLinear') && intAttribute(node, 'block_size', 0) > 0 ? 1 : -1;
}
