/** A decoder that says the alphabet of five letters again and again: the token after id is (id + 1) mod 5, with a score
 *  of 1 against 0. */
import { writeFileSync } from 'node:fs';
import { buildKernel } from '../../../src/compute/engine/kernel.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';

export function writeAlphabet(path: string): void {
  const model = buildKernel((b) => {
    const ids = b.input('input_ids', 'int64', ['batch', 'tokens']);
    const [one, five] = [1, 5].map((n) => b.constant(tensorOf('int64', [], [n])));
    const next = b.op('Mod', [b.op('Add', [ids, one!]), five!]);
    const count = b.constant(tensorOf('int64', [1], [5]));
    const scores = b.op('OneHot', [next, count, b.constant(tensorOf('float32', [2], [0, 1]))]);
    b.output('logits', scores, 'float32', ['batch', 'tokens', 5]);
  });
  writeFileSync(path, encodeModel(model));
}
