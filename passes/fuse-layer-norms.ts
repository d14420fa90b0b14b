/** Joins normalisations over the last axis that exporters write out.
 *    (x − μ)/√(mean((x − μ)²) + ε)·γ + β   ⇒   LayerNormalization(x, γ, β)
 *    x·s + (β − μ·s),  s = γ/√(… + ε)      ⇒   the same (TensorFlow writes it so)
 *    x/√(mean(x²) + ε)·γ                   ⇒   SimplifiedLayerNormalization(x, γ), RMSNorm as onnxruntime has it on every target
 *  x [..., C], γ and β [C] constants; without γ, ones. The division may be a product with Reciprocal, 1/√ or a power of −½, the
 *  square a power of 2. Worth it because onnxruntime joins only some of these forms at load, and no RMSNorm for WebGPU; its sums
 *  don't leave float16 then. Left alone: LayerNormalization for wasm, where onnxruntime's kernel takes half as long again as the
 *  pieces on rows of 768 (forms that it joins at load it goes on joining); other axes, sizes not known, other types than float32,
 *  opsets before 17, what is between read by others.
 *  Source: ONNX LayerNormalization-17, RMSNormalization-23; onnxruntime layer_norm_fusion.cc. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { float, int, intAttribute } from '../src/model/ir/attribute.ts';
import { dtypeOf, isOp, type Node, shapeOf, type Value } from '../src/model/ir/model.ts';
import { type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { intsArgument, normalAxis, perChannel, scalarOf } from '../src/model/rewrite/arguments.ts';
import { type Constant, constant, either, op, type Pattern, value } from '../src/model/rewrite/pattern.ts';
import { defineRule, type Emit, type Replacement, type Rule, skip } from '../src/model/rewrite/rule.ts';

const is = (n: number) => constant({ where: (v) => scalarOf(v) === n });
const epsilon = constant({ where: (v) => scalarOf(v) !== null });
const gamma = constant();
const beta = constant();
const x = value();

const mean = op('ReduceMean', [x], { rest: true });
const difference = op('Sub', [x, mean]);

/** What divides `centred`, and its inverse. */
function deviation(centred: Pattern) {
  const square = either(op('Mul', [centred, centred]), op('Pow', [centred, is(2)]));
  const variance = op('ReduceMean', [square], { rest: true });
  const sum = op('Add', [variance, epsilon]);
  const root = either(op('Sqrt', [sum]), op('Pow', [sum, is(0.5)]));
  const inverse = either(op('Reciprocal', [root]), op('Div', [is(1), root]), op('Pow', [sum, is(-0.5)]));
  return { variance, root, inverse };
}

interface Found {
  readonly x: Value;
  readonly epsilon: Constant;
  readonly means: readonly Node[];
  readonly gamma: Tensor | null;
  readonly beta: Tensor | null;
}

type Kind = 'LayerNormalization' | 'SimplifiedLayerNormalization';

function joined(kind: Kind, emit: Emit, found: Found): Replacement {
  if (kind === 'SimplifiedLayerNormalization' && isCentred(found.x)) return null;
  const shape = shapeOf(found.x);
  const size = shape?.at(-1);
  if (!shape || typeof size !== 'number') return skip('size-unknown');
  if (dtypeOf(found.x) !== 'float32') return skip('not-float32');
  if (kind === 'LayerNormalization' && emit.opset < 17) return skip('opset-before-17');
  const last = found.means.every((node) => {
    const axes = intsArgument(node, 'axes', 1);
    return axes?.length === 1 && normalAxis(axes[0]!, shape.length) === shape.length - 1 && keepsAxis(node);
  });
  if (!last) return skip('not-over-the-last-axis');
  const ones = new Float64Array(size).fill(1);
  const scale = found.gamma ? perChannel(found.gamma, shape.length, shape.length - 1, size) : ones;
  const shift = found.beta ? perChannel(found.beta, shape.length, shape.length - 1, size) : null;
  if (!scale || (found.beta && !shift)) return skip('not-per-channel');
  const vector = (values: Float64Array) => tensorOf('float32', [size], values);
  return emit(kind, [found.x, vector(scale), shift && vector(shift)], {
    attributes: { axis: int(-1), epsilon: float(scalarOf(found.epsilon)!), stash_type: int(1) },
  });
}

/** What is left of a LayerNormalization that could not be joined: onnxruntime may join it at load, but not a part. */
const isCentred = ({ producer }: Value): boolean =>
  producer !== null && isOp(producer, 'Sub') && isFrom(producer.inputs[1], 'ReduceMean');

const isFrom = (v: Value | null | undefined, type: string) => !!v?.producer && isOp(v.producer, type);

const keepsAxis = (node: Node) => intAttribute(node, 'keepdims', 1) === 1;

/** Rules for one way to centre: x − μ, or nothing. */
function rulesFor(kind: Kind, centred: Pattern, means: readonly (typeof mean)[]): Rule[] {
  const { variance, root, inverse } = deviation(centred);
  const all = [...means, variance];
  const scaled = op('Mul', [inverse, gamma]);
  const rule = (name: string, match: ReturnType<typeof op>, has: { gamma?: true }): Rule =>
    defineRule({
      name,
      match,
      rewrite: (m, emit) =>
        joined(kind, emit, {
          x: m.get(x),
          epsilon: m.get(epsilon),
          means: all.map((p) => m.get(p)),
          gamma: has.gamma ? m.get(gamma).constant : null,
          beta: null,
        }),
    });
  return [
    rule(`${kind}-scaled`, op('Mul', [centred, scaled]), { gamma: true }),
    rule(`${kind}-product`, op('Mul', [centred, inverse]), {}),
    rule(`${kind}-quotient`, op('Div', [centred, root]), {}),
    widen(kind),
  ];
}

/** A factor behind a normalisation whose own is 1. */
const widen = (kind: Kind): Rule => {
  const ones = constant({ where: (v) => v.constant.dims.length === 1 && isOnes(v.constant) });
  const norm = op(kind, [x, ones]);
  return defineRule({
    name: `${kind}-factor`,
    match: op('Mul', [norm, gamma]),
    rewrite(m, emit) {
      const size = m.get(ones).constant.dims[0]!;
      const rank = shapeOf(m.get(x))?.length ?? 1;
      const scale = perChannel(m.get(gamma).constant, rank, rank - 1, size);
      if (!scale) return null;
      const { attributes } = m.get(norm);
      return emit(kind, [m.get(x), emit.constant(tensorOf('float32', [size], scale), m.get(gamma))], {
        attributes,
      });
    },
  });
};

const isOnes = (t: Tensor) => perChannel(t, 1, 0, t.dims[0]!)?.every((v) => v === 1) ?? false;

/** A constant behind a LayerNormalization without one. */
const bare = op('LayerNormalization', [x, gamma]);
const shift = defineRule({
  name: 'shift-layer-norm',
  match: op('Add', [bare, beta]),
  rewrite(m, emit) {
    const size = m.get(gamma).constant.dims[0];
    const rank = shapeOf(m.get(x))?.length ?? 1;
    if (size === undefined || m.get(gamma).constant.dims.length !== 1) return null;
    const bias = perChannel(m.get(beta).constant, rank, rank - 1, size);
    if (!bias || dtypeOf(m.get(x)) !== 'float32') return null;
    const { attributes } = m.get(bare);
    const made = emit.constant(tensorOf('float32', [size], bias), m.get(beta));
    return emit('LayerNormalization', [m.get(x), m.get(gamma), made], { attributes });
  },
});

const { variance, inverse } = deviation(difference);
const factor = op('Mul', [inverse, gamma]);

/** As batch normalisation is folded: x·s + (β − μ·s). */
const folded = defineRule({
  name: 'folded-layer-norm',
  match: op('Add', [op('Mul', [x, factor]), op('Sub', [beta, op('Mul', [mean, factor])])]),
  rewrite: (m, emit) =>
    joined('LayerNormalization', emit, {
      x: m.get(x),
      epsilon: m.get(epsilon),
      means: [m.get(mean), m.get(variance)],
      gamma: m.get(gamma).constant,
      beta: m.get(beta).constant,
    }),
});

export const fuseLayerNorms = definePass({
  name: 'fuse-layer-norms',
  summary: 'Joins normalisations over the last axis that are written out into one operator',
  effect: 'exact',
  describe: counted('step of normalisations joined', 'steps of normalisations joined'),
  prominence: 63,
  // The kernel takes the variance as mean of squares less square of the mean.
  tolerance: 1e-5,
  options: z.strictObject({}),
  apply(model, _, { target }) {
    const centring = [folded, ...rulesFor('LayerNormalization', difference, [mean]), shift];
    const rms = rulesFor('SimplifiedLayerNormalization', x, []);
    return applyRules(model, target === 'wasm' ? rms : [...centring, ...rms]);
  },
});
