/** A copy of a model in the operators that the writer takes one by one: functions written out, operators of optimisers taken
 *  apart, branches that are always taken in the place of their If, one opset, sizes that follow from sizes as constants, and
 *  normalisations and global poolings in arithmetic. */
import { floatAttribute, intAttribute } from '../../ir/attribute.ts';
import { cloneModel } from '../../ir/clone.ts';
import { dtypeFromCode } from '../../ir/dtype.ts';
import { type Model, opset, shapeOf, type Value } from '../../ir/model.ts';
import { type Tensor, tensorOf, typedArray } from '../../ir/tensor.ts';
import { graphsOf } from '../../ir/walk.ts';
import { type InferredShapes, inferShapes } from '../../ops/shapes.ts';
import { applyRules } from '../../rewrite/apply.ts';
import { batchNormAffine } from '../../rewrite/channel-scale.ts';
import type { FusedOperators } from '../../rewrite/fused/apart.ts';
import { fusedOperators } from '../../rewrite/fused/index.ts';
import { inlineCalls } from '../../rewrite/inline-calls.ts';
import { inlineKnownBranches } from '../../rewrite/known-branches.ts';
import { foldKnownSizes, liftConstants, removeDead } from '../../rewrite/known-sizes.ts';
import { upgradeModel } from '../../rewrite/opset/upgrade.ts';
import { constant, op, value } from '../../rewrite/pattern.ts';
import { defineRule, type Emit, type Rule, skip } from '../../rewrite/rule.ts';

/** Newest that upgrades reach; axes of reductions are inputs there. */
const loweredOpset = 21;

export interface Lowered {
  readonly model: Model;
  readonly inferred: InferredShapes;
  /** Why nodes were left as they are, by their label. */
  readonly left: ReadonlyMap<string, string>;
}

/** @param more  further operators to take apart
 *  @throws UPGRADE_UNSUPPORTED, FUNCTION_… */
export function lowerModel(source: Model, more: FusedOperators = {}): Lowered {
  const model = cloneModel(source);
  inlineCalls(model, () => true);
  inferShapes(model);
  if (opset(model) < loweredOpset) upgradeModel(model, loweredOpset);
  for (const graph of graphsOf(model)) liftConstants(graph);
  inlineKnownBranches(model);
  const { skipped } = applyRules(model, [...rules, ...apartRules(more)]);
  const known = inferShapes(model);
  for (const graph of graphsOf(model)) foldKnownSizes(graph, known);
  removeDead(model.graph);
  const left = new Map(skipped.map(({ at, reason }) => [at, reason]));
  return { model, left, inferred: inferShapes(model) };
}

const ints = (values: readonly number[]): Tensor => tensorOf('int64', [values.length], values);
const number = (v: number): Tensor => tensorOf('float32', [], [v]);

/** Axes from the third on: those behind batch and channels. */
const spatialAxes = (x: Value): number[] | null => {
  const rank = shapeOf(x)?.length;
  return rank === undefined ? null : Array.from({ length: rank - 2 }, (_, i) => i + 2);
};

const x = value();
const parameters = [value(), value()] as const;
const statistics = [constant(), constant(), constant(), constant()] as const;

/** [C] as [C, 1, …], which meets [N, C, …]. */
const along = (values: Float64Array, rank: number): Tensor =>
  tensorOf('float32', [values.length, ...Array<number>(rank - 2).fill(1)], values);

const batchNorm = defineRule({
  name: 'batchnorm-arithmetic',
  match: op('BatchNormalization', [x, ...statistics]),
  rewrite(m, emit) {
    const rank = shapeOf(m.get(x))?.length;
    if (rank === undefined || intAttribute(m.root, 'training_mode', 0) !== 0) return skip('rank-or-training');
    const [gamma, beta, mean, variance] = statistics.map((s) => m.get(s).constant) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const affine = batchNormAffine(gamma, beta, mean, variance, floatAttribute(m.root, 'epsilon', 1e-5));
    return emit('Add', [emit('Mul', [m.get(x), along(affine.scale, rank)]), along(affine.shift, rank)]);
  },
});

const globalPool = (name: string, reduce: string): Rule =>
  defineRule({
    name: `${name}-reduction`,
    match: op(name, [x]),
    rewrite(m, emit) {
      const axes = spatialAxes(m.get(x));
      return axes ? emit(reduce, [m.get(x), ints(axes)], { attributes: { keepdims: 1 } }) : skip('rank');
    },
  });

/** (x − mean)/√(var + ε) over `axes`. */
function normalized(emit: Emit, input: Value, axes: readonly number[], epsilon: number): Value {
  const mean = (v: Value) => emit('ReduceMean', [v, ints(axes)], { attributes: { keepdims: 1 } });
  const centred = emit('Sub', [input, mean(input)]);
  const variance = mean(emit('Mul', [centred, centred]));
  return emit('Div', [centred, emit('Sqrt', [emit('Add', [variance, number(epsilon)])])]);
}

/** One number a channel, [C], as [C, 1, …]. */
const perChannel = (emit: Emit, v: Value, rank: number): Value =>
  emit('Reshape', [v, ints([-1, ...Array<number>(rank - 2).fill(1)])]);

const instanceNorm = defineRule({
  name: 'instance-norm-arithmetic',
  match: op('InstanceNormalization', [x, ...parameters]),
  rewrite(m, emit) {
    const axes = spatialAxes(m.get(x));
    if (!axes) return skip('rank');
    const unit = normalized(emit, m.get(x), axes, floatAttribute(m.root, 'epsilon', 1e-5));
    const [scale, bias] = parameters.map((p) => perChannel(emit, m.get(p), axes.length + 2));
    return emit('Add', [emit('Mul', [unit, scale!]), bias!]);
  },
});

/** Groups of channels are normalised as rows of [N, groups, rest]. */
const groupNorm = defineRule({
  name: 'group-norm-arithmetic',
  match: op('GroupNormalization', [x, ...parameters]),
  rewrite(m, emit) {
    const rank = shapeOf(m.get(x))?.length;
    const groups = intAttribute(m.root, 'num_groups', 1);
    if (rank === undefined) return skip('rank');
    const rows = emit('Reshape', [m.get(x), ints([0, groups, -1])]);
    const unit = normalized(emit, rows, [2], floatAttribute(m.root, 'epsilon', 1e-5));
    const back = emit('Reshape', [unit, emit('Shape', [m.get(x)])]);
    const [scale, bias] = parameters.map((p) => perChannel(emit, m.get(p), rank));
    return emit('Add', [emit('Mul', [back, scale!]), bias!]);
  },
});

/** Tables of integers that are stored in fewer bits than they are read in. */
const widened = defineRule({
  name: 'widen-integer-constant',
  match: op('Cast', [constant()]),
  rewrite(m, emit) {
    const [from] = m.root.inputs;
    const tensor = from!.constant!;
    const to = dtypeFromCode(intAttribute(m.root, 'to') ?? 0, 'Cast');
    if (!/^u?int(8|16|32)$/.test(tensor.dtype) || (to !== 'int32' && to !== 'int64')) return null;
    return emit.constant(tensorOf(to, tensor.dims, Array.from(typedArray(tensor), Number)), from!);
  },
});

/** One rule for each operator. */
export const apartRules = (operators: FusedOperators): Rule[] =>
  Object.entries(operators).map(([key, take]) =>
    defineRule({
      name: `decompose-${key}`,
      match: op(key, [], { rest: true }),
      rewrite: (m, emit) => take(m.root, emit),
    }),
  );

const rules: readonly Rule[] = [
  ...apartRules(fusedOperators),
  batchNorm,
  instanceNorm,
  groupNorm,
  globalPool('GlobalAveragePool', 'ReduceMean'),
  globalPool('GlobalMaxPool', 'ReduceMax'),
  widened,
];
