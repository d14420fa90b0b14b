/** Weights of 4 or 8 bits, one scale a block, computed by the engine: the scale of each block is the one of a few that
 *  leaves the least squared error. */
import { slicedTensor } from '../../model/ir/slice.ts';
import { float32Values, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import type { Engine, Session } from './contract.ts';
import { buildKernel, chunkElements, openKernel } from './kernel.ts';

export interface BlockSpec {
  readonly bits: 4 | 8;
  /** Weights that share a scale; a power of two from 16 up. */
  readonly blockSize: number;
  /** Zero in the middle (8, or 128) for every block; else each block has its own zero point. */
  readonly symmetric: boolean;
}

/** The layout of com.microsoft MatMulNBits. Rows are outputs; blocks run along the inputs. */
export interface BlockedWeight {
  /** uint8 [rows, blocks, blockSize·bits/8], low nibble first. */
  readonly packed: Tensor;
  /** float32 [rows, blocks]; may be negative where symmetric, so that the largest weight meets the longer side. */
  readonly scales: Tensor;
  /** uint8 [rows, ⌈blocks·bits/8⌉], low nibble first; null where symmetric. */
  readonly zeroPoints: Tensor | null;
}

export interface BlockQuantizer {
  /** @param matrix float32 [rows, columns], or [columns, rows] with `transposed`; blocks run along the columns, and a
   *    last block that is not full is filled with zeros */
  quantize(matrix: Tensor, transposed: boolean, spec: BlockSpec): Promise<BlockedWeight>;
  close(): Promise<void>;
}

export function createBlockQuantizer(engine: Engine): BlockQuantizer {
  const sessions = new Map<string, Promise<Session>>();
  return {
    async quantize(matrix, transposed, spec) {
      const columns = matrix.dims[transposed ? 0 : 1]!;
      const rows = matrix.dims[transposed ? 1 : 0]!;
      const key = JSON.stringify([columns, transposed, spec]);
      let opening = sessions.get(key);
      if (!opening) {
        opening = openKernel(engine, blockGraph(columns, transposed, spec));
        sessions.set(key, opening);
      }
      const session = await opening;
      const step = Math.max(1, Math.floor(chunkElements / columns));
      const parts: Record<string, Tensor>[] = [];
      // A tensor in a file would be read for every part.
      const whole = tensorOf('float32', matrix.dims, float32Values(matrix));
      for (let from = 0; from < rows; from += step) {
        const some = slicedTensor(whole, transposed ? 1 : 0, from, Math.min(rows, from + step));
        parts.push(await session.run({ matrix: some }));
      }
      return {
        packed: joined(parts.map((p) => p['packed']!)),
        scales: joined(parts.map((p) => p['scales']!)),
        zeroPoints: spec.symmetric ? null : joined(parts.map((p) => p['zero_points']!)),
      };
    },
    async close() {
      for (const s of sessions.values()) await (await s).close();
      sessions.clear();
    },
  };
}

/** Along the first axis. */
function joined(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (parts.length === 1) return first!;
  const bytes = new Uint8Array(parts.reduce((n, p) => n + p.bytes().length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part.bytes(), at);
    at += part.bytes().length;
  }
  const rows = parts.reduce((n, p) => n + p.dims[0]!, 0);
  return { ...first!, dims: [rows, ...first!.dims.slice(1)], bytes: () => bytes };
}

/** Fractions of the range that are tried. Symmetric grids have one step more on one side: 1 puts the largest weight on
 *  the long side's end, 8/7 (128/127) both sides on the same grid. */
const fractions = ({ bits, symmetric }: BlockSpec) =>
  symmetric ? [1, bits === 4 ? 8 / 7 : 128 / 127, 1.07, 0.94, 0.88, 0.82, 0.76] : [1, 0.95, 0.9, 0.85, 0.8];

/** matrix → packed, scales, zero_points, for some of the rows. */
const blockGraph = (columns: number, transposed: boolean, spec: BlockSpec) =>
  buildKernel((b) => {
    const { bits, blockSize, symmetric } = spec;
    const blocks = Math.ceil(columns / blockSize);
    const top = 2 ** bits - 1;
    const middle = 2 ** (bits - 1);
    const f = (value: number) => b.constant(tensorOf('float32', [], [value]));
    const ints = (...values: number[]) => b.constant(tensorOf('int64', [values.length], values));
    const matrix = b.input('matrix', 'float32', transposed ? [columns, 'rows'] : ['rows', columns]);
    const rows = transposed ? b.op('Transpose', [matrix], { perm: [1, 0] }) : matrix;
    const full = b.op('Pad', [rows, ints(0, 0, 0, blocks * blockSize - columns)]);
    const block = b.op('Reshape', [full, ints(-1, blockSize)]);
    const reduce = (op: string, x: typeof matrix) => b.op(op, [x, ints(1)], { keepdims: 1 });
    const high = b.op('Max', [reduce('ReduceMax', block), f(0)]);
    const low = b.op('Min', [reduce('ReduceMin', block), f(0)]);
    const span = symmetric
      ? b.op('Where', [b.op('Greater', [high, b.op('Neg', [low])]), high, low])
      : b.op('Sub', [high, low]);
    const unit = b.op('Div', [span, f(symmetric ? -middle : top)]);
    const usable = (scale: typeof matrix) =>
      b.op('Where', [b.op('Less', [b.op('Abs', [scale]), f(1e-30)]), f(1), scale]);
    const zero = symmetric ? f(middle) : b.op('Round', [b.op('Div', [b.op('Neg', [low]), usable(unit)])]);
    const steps = (scale: typeof matrix) =>
      b.op('Clip', [b.op('Add', [b.op('Round', [b.op('Div', [block, scale])]), zero]), f(0), f(top)]);
    let best: { scale: typeof matrix; error: typeof matrix } | null = null;
    for (const fraction of fractions(spec)) {
      const scale = usable(b.op('Mul', [unit, f(fraction)]));
      const back = b.op('Mul', [b.op('Sub', [steps(scale), zero]), scale]);
      const error = b.op('ReduceSumSquare', [b.op('Sub', [block, back]), ints(1)], { keepdims: 1 });
      const better: typeof matrix | null = best && b.op('Less', [error, best.error]);
      best = {
        scale: best ? b.op('Where', [better, scale, best.scale]) : scale,
        error: best ? b.op('Min', [error, best.error]) : error,
      };
    }
    const scale = best!.scale;
    const bytesOf = (x: typeof matrix) => {
      if (bits === 8) return b.op('Cast', [x], { to: 2 });
      const [even, odd] = b.ops('Split', [b.op('Reshape', [x, ints(-1, 2)])], 2, { axis: 1, num_outputs: 2 });
      return b.op('Cast', [b.op('Add', [even!, b.op('Mul', [odd!, f(16)])])], { to: 2 });
    };
    const packed = b.op('Reshape', [bytesOf(steps(scale)), ints(-1, blocks, (blockSize * bits) / 8)]);
    b.output('packed', packed, 'uint8');
    b.output('scales', b.op('Reshape', [scale, ints(-1, blocks)]), 'float32');
    if (symmetric) return;
    const odd = bits === 4 ? blocks % 2 : 0;
    const points = b.op('Pad', [b.op('Reshape', [zero, ints(-1, blocks)]), ints(0, 0, 0, odd)]);
    b.output(
      'zero_points',
      b.op('Reshape', [bytesOf(points), ints(-1, ((blocks + odd) * bits) / 8)]),
      'uint8',
    );
  });
