/** Samples run several at a time: fewer calls, and fewer results to add up. */
import { byteLength } from '../../model/ir/dtype.ts';
import { type Graph, shapeOf } from '../../model/ir/model.ts';
import { denseTensor, elementCount, type Tensor } from '../../model/ir/tensor.ts';
import type { Shape } from '../../model/ir/type.ts';
import type { Samples } from './run-samples.ts';

/** Samples of `size` samples each, the last one smaller. As they are when an input doesn't leave its first axis, and only that
 *  one, open, or when it isn't one axis that all inputs share. @param graph  that the samples are for */
export async function stackedSamples(
  samples: Samples,
  graph: Pick<Graph, 'inputs'>,
  size: number,
): Promise<Samples> {
  const shapes = graph.inputs.filter((v) => !v.constant).map(shapeOf);
  const oneAxis = new Set(shapes.map((shape) => shape?.[0])).size === 1;
  if (size <= 1 || samples.count < 2 || !oneAxis || !shapes.every(canStack)) return samples;
  // What is left open may be a length as well: [frames, bins].
  const { inputs } = await samples.read(0);
  if (Object.values(inputs).some((t) => t.dims[0] !== 1)) return samples;
  return {
    count: Math.ceil(samples.count / size),
    async read(index) {
      const from = index * size;
      const some = await Promise.all(
        Array.from({ length: Math.min(size, samples.count - from) }, (_, i) => samples.read(from + i)),
      );
      const [first] = some;
      const names = Object.keys(first!.inputs);
      return {
        id: some.map((s) => s.id).join(', '),
        inputs: Object.fromEntries(names.map((n) => [n, stack(some.map((s) => s.inputs[n] as Tensor))])),
      };
    },
  };
}

const canStack = (shape: Shape | null) =>
  typeof shape?.[0] === 'string' && shape.slice(1).every((d) => typeof d === 'number');

/** Tensors [1, …] to one of [n, …]; more generally, joined along the first axis. All other axes are equal. */
export function stack(tensors: readonly Tensor[]): Tensor {
  const first = tensors[0] as Tensor;
  const dims = [tensors.reduce((n, t) => n + (t.dims[0] as number), 0), ...first.dims.slice(1)];
  const all = new Uint8Array(byteLength(first.dtype, elementCount(dims)));
  let at = 0;
  for (const t of tensors) {
    all.set(t.bytes(), at);
    at += t.bytes().length;
  }
  return denseTensor(first.dtype, dims, all);
}
