/** Float16 weights, computed by the engine: Cast there and back, largest magnitude and what the rounding costs. */
import {
  denseTensor,
  elementCount,
  float32Values,
  scalar,
  type Tensor,
  tensorOf,
} from '../../model/ir/tensor.ts';
import type { Engine, Session } from './contract.ts';
import { buildKernel, chunkElements, openKernel } from './kernel.ts';

export interface HalfTensor {
  /** float16, dims of the tensor given; beyond ±65504 it is infinite. */
  readonly half: Tensor;
  /** Largest finite magnitude; 0 for a tensor without elements. */
  readonly largest: number;
  /** ‖w − half(w)‖ / ‖w‖ over what fits float16: about 2e-4 for any healthy tensor, 1 when all of it becomes 0. */
  readonly error: number;
  readonly hasNan: boolean;
}

interface HalfConverter {
  convert(tensor: Tensor): Promise<HalfTensor>;
  close(): Promise<void>;
}

/** One session for all tensors; a tensor asked for again gives the very same result. */
export function createHalfConverter(engine: Engine): HalfConverter {
  let session: Promise<Session> | null = null;
  const known = new Map<Tensor, HalfTensor>();
  return {
    async convert(tensor) {
      const made = known.get(tensor);
      if (made) return made;
      const count = elementCount(tensor.dims);
      if (count === 0)
        return { half: tensorOf('float16', tensor.dims, []), largest: 0, error: 0, hasNan: false };
      session ??= openKernel(engine, halfGraph());
      const result = await inChunks(await session, tensor, count);
      known.set(tensor, result);
      return result;
    },
    async close() {
      await (await session)?.close();
      session = null;
    },
  };
}

async function inChunks(session: Session, tensor: Tensor, count: number): Promise<HalfTensor> {
  const values = float32Values(tensor);
  const halves = new Uint8Array(2 * count);
  const total = { largest: 0, lost: 0, energy: 0, nans: 0 };
  for (let from = 0; from < count; from += chunkElements) {
    const some = values.subarray(from, from + chunkElements);
    const { half, facts } = await session.run({ weight: tensorOf('float32', [some.length], some) });
    halves.set(half!.bytes(), 2 * from);
    const [largest, lost, energy, nans, unit] = float32Values(facts!) as unknown as number[];
    total.largest = Math.max(total.largest, largest!);
    total.lost += lost! * unit! ** 2;
    total.energy += energy! * unit! ** 2;
    total.nans += nans!;
  }
  return {
    half: denseTensor('float16', tensor.dims, halves),
    largest: total.largest,
    error: total.energy > 0 ? Math.sqrt(total.lost / total.energy) : 0,
    hasNan: total.nans > 0,
  };
}

/** weight → half, facts [largest, Σ(w − half)²/u², Σw²/u², NaNs, u]; sums over a copy scaled to the largest that fits, u, so
 *  that neither tiny nor huge weights leave float32. */
const halfGraph = () =>
  buildKernel((b) => {
    const weight = b.input('weight', 'float32', ['n']);
    const constant = (value: number) => b.constant(scalar('float32', value));
    const zero = constant(0);
    const half = b.op('Cast', [weight], { to: 10 });
    const nan = b.op('IsNaN', [weight]);
    const odd = b.op('Or', [nan, b.op('IsInf', [weight])]);
    const magnitude = b.op('Abs', [b.op('Where', [odd, zero, weight])]);
    const reduce = (op: string, x: typeof weight) => b.op(op, [x], { keepdims: 1 });
    const largest = reduce('ReduceMax', magnitude);
    const fits = b.op('And', [b.op('LessOrEqual', [magnitude, constant(65504)]), b.op('Not', [odd])]);
    const back = b.op('Cast', [half], { to: 1 });
    const kept = b.op('Where', [fits, magnitude, zero]);
    const lost = b.op('Where', [fits, b.op('Sub', [kept, b.op('Abs', [back])]), zero]);
    const unit = b.op('Max', [reduce('ReduceMax', kept), constant(1e-38)]);
    const energy = (x: typeof weight) => reduce('ReduceSumSquare', b.op('Div', [x, unit]));
    const nans = reduce('ReduceMax', b.op('Cast', [nan], { to: 1 }));
    b.output('half', half, 'float16', ['n']);
    b.output(
      'facts',
      b.op('Concat', [largest, energy(lost), energy(kept), nans, unit], { axis: 0 }),
      'float32',
      [5],
    );
  });
