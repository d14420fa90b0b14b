/** Weights and computation in float16, inputs and outputs in float32: half the bytes, and the number format that
 *  WebGPU is fastest in.
 *    y = Cast₃₂( f₁₆( Cast₁₆(x), W₁₆ ) ), one Cast for each value that both precisions read
 *  Left in float32: constants beyond ±65504 or of which float16 would lose more than a thousandth, with the nodes that
 *  read them; ops without a float16 form; normalisations and softmaxes written out in small ops; what is computed from
 *  integers alone; what a Loop or Scan adds up; squares, exponentials and sums that nothing was measured of; with
 *  `ranges`, nodes that saw more than `largest` on the data. Masks of -3.4e38 are clipped before they are cast.
 *  Source: ONNX Cast-13 and type constraints; weights end at 65504; data may come to an eighth of that. */
import { z } from 'zod';
import { filledBy, selectionOptions } from '../src/compress/pipeline/option-fields.ts';
import { definePass, type Skip } from '../src/compress/pipeline/pass.ts';
import { crossingsOf, valueAt } from '../src/compress/quant/float16-crossings.ts';
import { applyFloat16 } from '../src/compress/quant/float16-edit.ts';
import {
  type Float16Plan,
  halfInputs,
  halfOutputs,
  planFloat16,
  readsEither,
} from '../src/compress/quant/float16-plan.ts';
import { decide, decisionOf, layerNote } from '../src/compress/quant/layers.ts';
import { selectNodes } from '../src/compress/quant/name-patterns.ts';
import { createHalfConverter, type HalfTensor } from '../src/compute/engine/float16-kernel.ts';
import {
  constantOf,
  dtypeOf,
  isOp,
  type Model,
  type Node,
  opKey,
  type Value,
} from '../src/model/ir/model.ts';
import { float32Values, type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { nodesOf } from '../src/model/ir/walk.ts';
import { keptInFloat32 } from '../src/model/ops/float16.ts';
import { float16Kinds } from '../src/model/ops/float16-functions.ts';

const options = z.strictObject({
  /** Inputs and outputs stay float32; false makes them float16 too. */
  keepIo: z.boolean().default(true),
  /** Op types that stay float32. */
  keep: z.array(z.string()).default([...keptInFloat32]),
  /** Measure on data which nodes see large values, and leave those in float32. */
  ranges: filledBy(z.boolean().default(false), 'hasRealData', (has) => has === true || undefined),
  /** What counts as large with `ranges`. Float16 ends at 65504; parts of a sum, and other data, may be larger than what
   *  was seen. Below that it is as exact for large numbers as for small ones. */
  largest: z.number().positive().max(65504).default(8192),
  ...selectionOptions,
});

type Options = z.infer<typeof options>;

/** A healthy tensor loses 2e-4 of its length to rounding; one that loses more has weights below 6e-5. */
const mostLost = 2 ** -10;

export const convertFloat16 = definePass<Options>({
  name: 'convert-float16',
  summary: 'Weights and computation in float16; inputs and outputs stay float32',
  effect: 'lossy',
  stores: { form: 'float16', of: ['operators that have a float16 form'] },
  options,

  needs: (o) => ({ opset: 13, calibration: o.ranges }),

  observe(model) {
    const kindOf = float16Kinds(model);
    const values = new Set(
      model.graph.nodes.filter((n) => kindOf(n) && !readsEither(n)).flatMap(halfOutputs),
    );
    for (const v of model.graph.inputs) if (dtypeOf(v) === 'float32') values.add(v);
    return [...values].map((v) => ({ kind: 'range', value: v.name, masked: true }));
  },

  async apply(model, o, context) {
    const converter = createHalfConverter(context.engine);
    try {
      const halves = await convertConstants(model, converter.convert);
      const plan = planFloat16(model, {
        chosen: selectNodes(model, o),
        keep: new Set(o.keep),
        keepIo: o.keepIo,
        constantObstacle: (value, node, index) => obstacle(halves.get(value), node, index),
        magnitude: (value) => {
          const range = o.ranges ? context.statistics.range(value.name) : undefined;
          return range && Math.max(Math.abs(range.min), Math.abs(range.max));
        },
        largest: o.largest,
      });
      noteDecisions(plan);
      const skipped = skips(plan);
      if (plan.half.size + plan.stored.size === 0) return { changed: 0, skipped };
      const bounded = new Map<Value, Tensor>();
      const changed = applyFloat16(model, plan, o.keepIo, (value, node, index) =>
        boundedForm(value, halves.get(value)!, node, index, bounded),
      );
      return { changed, skipped };
    } finally {
      await converter.close();
    }
  },
});

async function convertConstants(
  model: Model,
  convert: (t: Tensor) => Promise<HalfTensor>,
): Promise<Map<Value, HalfTensor>> {
  const halves = new Map<Value, HalfTensor>();
  const kindOf = float16Kinds(model);
  const add = async (value: Value | null) => {
    const tensor = constantOf(value);
    if (value && tensor && !halves.has(value)) halves.set(value, await convert(tensor));
  };
  for (const node of nodesOf(model))
    if (kindOf(node) !== null) for (const { value } of halfInputs(node)) await add(value);
  for (const { takes } of crossingsOf(model).all) for (const use of takes) await add(valueAt(use));
  return halves;
}

/** Bounds and fill values mean "as far as it goes": the ends of float16 say the same. */
const isBound = (node: Node, index: number) =>
  (isOp(node, 'Clip') && index > 0) ||
  (isOp(node, 'Where') && index > 0) ||
  (isOp(node, 'Pad') && index === 2);

function obstacle(made: HalfTensor | undefined, node: Node, index: number): string | null {
  if (!made) return null;
  if (made.hasNan) return 'constant-not-a-number';
  if (made.largest > 65504 && !isBound(node, index))
    return `constant-beyond-float16: up to ${Number(made.largest.toPrecision(3))}`;
  if (made.error > mostLost) return `weights-underflow: float16 would lose ${lost(made.error)} of them`;
  return null;
}

const lost = (error: number) => `${Number((100 * error).toPrecision(2))} %`;

/** Where a Clip ends or a Where fills, what float16 can't hold becomes its largest half. */
function boundedForm(
  value: Value,
  made: HalfTensor,
  node: Node,
  index: number,
  known: Map<Value, Tensor>,
): Tensor {
  if (made.largest <= 65504 || !isBound(node, index)) return made.half;
  const before = known.get(value);
  if (before) return before;
  const limit = isOp(node, 'Clip') ? Number.POSITIVE_INFINITY : 32768;
  const tensor = constantOf(value)!;
  const fit = (x: number) => (Math.abs(x) <= 65504 ? x : Math.sign(x) * limit);
  const form = tensorOf('float16', tensor.dims, float32Values(tensor).map(fit));
  known.set(value, form);
  return form;
}

/** What became of the layers, for the report; what earlier passes quantised stands. */
function noteDecisions({ half, stored, kept }: Float16Plan): void {
  const note = (node: Node, precision: 'float16' | 'float', reason: string | null) => {
    if (layerNote(node) && (decisionOf(node)?.precision ?? 'float') === 'float')
      decide(node, { precision, reason });
  };
  for (const node of half) note(node, 'float16', null);
  for (const node of stored)
    note(node, 'float16', `no-float16-kernel: ${node.opType} computes in float32 from weights in float16`);
  for (const [node, reason] of kept) note(node, 'float', reason);
}

/** Every node that stays, and every constant that made one stay. */
const skips = ({ kept }: Float16Plan): Skip[] =>
  [...kept].map(([node, reason]) => ({ at: node.name || (node.outputs[0]?.name ?? opKey(node)), reason }));
