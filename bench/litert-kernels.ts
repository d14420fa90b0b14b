/** Which operators gain from int8 on LiteRT.js: the facts behind src/compress/quant/litert-kernels.ts.
 *    npx tsx bench/litert-kernels.ts [pattern]
 *  Each operator stands in a chain, in floats, in int8, and in floats between integers (DEQUANTIZE before, QUANTIZE behind, as
 *  where it is no part of what is quantised); products in dynamic int8 too. All forms of a case run by turns in one page of
 *  Chromium, one thread, with LiteRT's build for relaxed and with that for plain SIMD; a number is the least time of many, less that of the ends of the chain, for one operator. */

import type { BuiltinOperator } from '../src/model/formats/tflite/codes.ts';
import type {
  LiteGraph,
  LiteOperator,
  LiteOptions,
  LiteTensor,
  LiteType,
  Quantization,
} from '../src/model/formats/tflite/write/graph.ts';
import { serialize } from '../src/model/formats/tflite/write/serialize.ts';
import { elementCount } from '../src/model/ir/tensor.ts';
import { describeMachine, installedVersion } from '../src/ship/profile/machine.ts';
import { createRandom } from '../src/support/random.ts';
import { openLitertPage } from './litert-page.ts';

type Form = 'float' | 'int8' | 'between' | 'dynamic';
type Shape = readonly number[];

/** Adds operators to a graph: floats or int8, by the types of what it is given. */
interface Chain {
  readonly operators: LiteOperator[];
  /** In dynamic int8, weights are integers and activations aren't. */
  readonly form: Form;
  op(
    op: BuiltinOperator,
    inputs: readonly LiteTensor[],
    shape: Shape,
    options?: LiteOptions,
    grid?: Quantization,
  ): LiteTensor;
  many(
    op: BuiltinOperator,
    inputs: readonly LiteTensor[],
    shapes: readonly Shape[],
    options?: LiteOptions,
  ): LiteTensor[];
  int(values: number | readonly number[]): LiteTensor;
  /** A kernel of this shape, its output channels on axis 0, or on `axis`. */
  kernel(shape: Shape, axis?: number): LiteTensor;
  bias(x: LiteTensor, kernel: LiteTensor, channels: number): LiteTensor;
}

interface Case {
  readonly name: string;
  readonly shape: Shape;
  /** Links of the chain; each keeps the shape. */
  readonly depth: number;
  /** @param other  what came before x, of another value */
  readonly link: (c: Chain, x: LiteTensor, other: () => LiteTensor) => LiteTensor;
  readonly product?: true;
}

const grid: Quantization = { scale: [4 / 127], zeroPoint: [0], axis: 0 };
const fixedGrid = (scale: number, zeroPoint: number): Quantization => ({
  scale: [scale],
  zeroPoint: [zeroPoint],
  axis: 0,
});

const bytesOf = (values: Float32Array | Int32Array | Int8Array) => new Uint8Array(values.buffer);

function createChain(form: Form): Chain & { readonly count: () => number } {
  const operators: LiteOperator[] = [];
  const random = createRandom(1);
  let made = 0;
  const constant = (type: LiteType, values: Float32Array | Int32Array | Int8Array): LiteTensor => ({
    ...type,
    name: `c${made++}`,
    data: () => bytesOf(values),
  });
  const chain: Chain & { readonly count: () => number } = {
    operators,
    form,
    count: () => made,
    op: (op, inputs, shape, options, own) =>
      chain.many(op, inputs, [shape], options).map((t) => {
        if (own && t.quantization) t.quantization = own;
        return t;
      })[0]!,
    many(op, inputs, shapes, options) {
      const like = inputs.find((t) => !t.data) ?? inputs[0]!;
      const outputs = shapes.map(
        (shape): LiteTensor => ({
          type: like.type,
          shape,
          quantization: like.quantization,
          name: `t${made++}`,
          data: null,
        }),
      );
      operators.push({ op, inputs, outputs, options: options ?? null });
      return outputs;
    },
    int: (values) =>
      constant(
        { type: 'int32', shape: typeof values === 'number' ? [] : [values.length], quantization: null },
        Int32Array.from(typeof values === 'number' ? [values] : values),
      ),
    kernel(shape, axis = 0) {
      const n = elementCount(shape);
      if (form === 'float' || form === 'between')
        return constant(
          { type: 'float32', shape, quantization: null },
          Float32Array.from({ length: n }, () => 0.1 * random.normal()),
        );
      const channels = shape[axis]!;
      const quantization = {
        scale: Array<number>(channels).fill(0.01),
        zeroPoint: Array<number>(channels).fill(0),
        axis,
      };
      const codes = Int8Array.from({ length: n }, () =>
        Math.max(-127, Math.min(127, Math.round(40 * random.normal()))),
      );
      return constant({ type: 'int8', shape, quantization }, codes);
    },
    bias(x, kernel, channels) {
      if (x.type === 'float32')
        return constant(
          { type: 'float32', shape: [channels], quantization: null },
          new Float32Array(channels),
        );
      const scale = kernel.quantization!.scale.map((s) => s * x.quantization!.scale[0]!);
      const quantization = { scale, zeroPoint: scale.map(() => 0), axis: 0 };
      return constant({ type: 'int32', shape: [channels], quantization }, new Int32Array(channels));
    },
  };
  return chain;
}

/** x float → the chain → y float */
function build({ shape, depth, link }: Case, form: Form, links = depth): Uint8Array {
  const c = createChain(form);
  const x: LiteTensor = { type: 'float32', shape, quantization: null, name: 'x', data: null };
  const convert = (op: 'QUANTIZE' | 'DEQUANTIZE', from: LiteTensor): LiteTensor => {
    const type =
      op === 'QUANTIZE'
        ? ({ type: 'int8', quantization: grid } as const)
        : ({ type: 'float32', quantization: null } as const);
    const to: LiteTensor = { ...type, shape: from.shape, name: `q${c.operators.length}`, data: null };
    c.operators.push({ op, inputs: [from], outputs: [to], options: null });
    return to;
  };
  const integers = form === 'int8' || form === 'between';
  let y = integers ? convert('QUANTIZE', x) : x;
  // XNNPACK makes a table of what has one input only: two links need two values.
  let other = y;
  const floats = (t: LiteTensor) => (form === 'between' ? convert('DEQUANTIZE', t) : t);
  for (let i = 0; i < links; i++) {
    const before = other;
    const made = link(c, floats(y), () => floats(before));
    other = y;
    y = form === 'between' ? convert('QUANTIZE', made) : made;
  }
  if (integers) y = convert('DEQUANTIZE', y);
  // A chain without links still has an operator.
  if (y === x) y = c.op('RESHAPE', [x, c.int(shape)], shape);
  y.name = 'y';
  const graph: LiteGraph = {
    operators: c.operators,
    inputs: [{ name: 'x', tensor: x }],
    outputs: [{ name: 'y', tensor: y }],
    name: 'main',
  };
  return serialize(graph, new Map());
}

const same = 0;
const [small, large] = [
  [1, 14, 14, 96],
  [1, 56, 56, 24],
] as const;
const at = (s: Shape) => `@${s[1]}²×${s[3]}`;

const conv = (kernel: number, channels: number, size: number): Case => ({
  name: `CONV_2D ${kernel}×${kernel} ${channels} @${size}²`,
  shape: [1, size, size, channels],
  ...{ depth: 6, product: true },
  link(c, x) {
    const w = c.kernel([channels, kernel, kernel, channels]);
    const values = { padding: same, strideW: 1, strideH: 1, dilationWFactor: 1, dilationHFactor: 1 };
    return c.op('CONV_2D', [x, w, c.bias(x, w, channels)], x.shape, ['Conv2DOptions', values]);
  },
});

const depthwise = (channels: number, size: number): Case => ({
  name: `DEPTHWISE_CONV_2D 3×3 ${channels} @${size}²`,
  shape: [1, size, size, channels],
  ...{ depth: 6, product: true },
  link(c, x) {
    const w = c.kernel([1, 3, 3, channels], 3);
    const values = {
      padding: same,
      strideW: 1,
      strideH: 1,
      dilationWFactor: 1,
      dilationHFactor: 1,
      depthMultiplier: 1,
    };
    return c.op('DEPTHWISE_CONV_2D', [x, w, c.bias(x, w, channels)], x.shape, [
      'DepthwiseConv2DOptions',
      values,
    ]);
  },
});

const dense = (rows: number, size: number): Case => ({
  name: `FULLY_CONNECTED [${rows}, ${size}]×[${size}, ${size}]`,
  shape: [rows, size],
  ...{ depth: 6, product: true },
  link(c, x) {
    const w = c.kernel([size, size]);
    const values = { asymmetricQuantizeInputs: c.form === 'dynamic' ? 1 : 0 };
    return c.op('FULLY_CONNECTED', [x, w, c.bias(x, w, size)], x.shape, ['FullyConnectedOptions', values]);
  },
});

const unary = (op: BuiltinOperator, shape: Shape, options?: LiteOptions, own?: Quantization): Case => ({
  name: `${op} ${at(shape)}`,
  ...{ shape, depth: 8 },
  link: (c, x) => c.op(op, [x], x.shape, options, own),
});

const binary = (op: 'ADD' | 'SUB' | 'MUL', shape: Shape): Case => ({
  name: `${op} ${at(shape)}`,
  ...{ shape, depth: 8 },
  link: (c, x, other) =>
    c.op(op, [x, other()], x.shape, [
      op === 'ADD' ? 'AddOptions' : op === 'SUB' ? 'SubOptions' : 'MulOptions',
      {},
    ]),
});

const pool = (op: 'MAX_POOL_2D' | 'AVERAGE_POOL_2D', shape: Shape): Case =>
  unary(op, shape, [
    'Pool2DOptions',
    { padding: same, strideW: 1, strideH: 1, filterWidth: 3, filterHeight: 3 },
  ]);

/** What changes the shape, and what changes it back. */
const pair = (name: string, shape: Shape, link: Case['link']): Case => ({
  name: `${name} ${at(shape)}`,
  shape,
  depth: 6,
  link,
});

const spatial = (shape: Shape): Case[] => {
  const [n, h, w, ch] = shape as readonly [number, number, number, number];
  const resize = (op: 'RESIZE_BILINEAR' | 'RESIZE_NEAREST_NEIGHBOR') =>
    pair(`${op} ×2, STRIDED_SLICE`, shape, (c, x) => {
      const table = op === 'RESIZE_BILINEAR' ? 'ResizeBilinearOptions' : 'ResizeNearestNeighborOptions';
      const big = c.op(
        op,
        [x, c.int([2 * h, 2 * w])],
        [n, 2 * h, 2 * w, ch],
        [table, { halfPixelCenters: 1 }],
      );
      return c.op(
        'STRIDED_SLICE',
        [big, c.int([0, 0, 0, 0]), c.int([n, 2 * h, 2 * w, ch]), c.int([1, 2, 2, 1])],
        shape,
        ['StridedSliceOptions', {}],
      );
    });
  return [
    pair('PAD, STRIDED_SLICE', shape, (c, x) => {
      const pads: LiteTensor = { ...c.int([0, 0, 1, 1, 1, 1, 0, 0]), shape: [4, 2] };
      const wide = c.op('PAD', [x, pads], [n, h + 2, w + 2, ch], ['PadOptions', {}]);
      return c.op(
        'STRIDED_SLICE',
        [wide, c.int([0, 1, 1, 0]), c.int([n, h + 1, w + 1, ch]), c.int([1, 1, 1, 1])],
        shape,
        ['StridedSliceOptions', {}],
      );
    }),
    pair('SPLIT, CONCATENATION', shape, (c, x) => {
      const parts = c.many(
        'SPLIT',
        [c.int(3), x],
        [
          [n, h, w, ch / 2],
          [n, h, w, ch / 2],
        ],
        ['SplitOptions', { numSplits: 2 }],
      );
      return c.op('CONCATENATION', parts, shape, ['ConcatenationOptions', { axis: 3 }]);
    }),
    pair('SPACE_TO_DEPTH, DEPTH_TO_SPACE', shape, (c, x) => {
      const deep = c.op(
        'SPACE_TO_DEPTH',
        [x],
        [n, h / 2, w / 2, 4 * ch],
        ['SpaceToDepthOptions', { blockSize: 2 }],
      );
      return c.op('DEPTH_TO_SPACE', [deep], shape, ['DepthToSpaceOptions', { blockSize: 2 }]);
    }),
    unaryOrder(shape),
    pair('MEAN, MUL', shape, (c, x) => {
      const mean = c.op('MEAN', [x, c.int([1, 2])], [n, 1, 1, ch], ['ReducerOptions', { keepDims: 1 }]);
      return c.op('MUL', [x, mean], shape, ['MulOptions', {}]);
    }),
    resize('RESIZE_BILINEAR'),
    resize('RESIZE_NEAREST_NEIGHBOR'),
  ];
};

const unaryOrder = (shape: Shape): Case =>
  pair('TRANSPOSE', shape, (c, x) =>
    c.op('TRANSPOSE', [x, c.int([0, 2, 1, 3])], shape, ['TransposeOptions', {}]),
  );

const cases: readonly Case[] = [
  ...[conv(1, 8, 56), conv(3, 4, 56), conv(3, 16, 56), conv(5, 8, 28)],
  ...[conv(1, 16, 56), conv(1, 64, 28), conv(1, 256, 14), conv(3, 8, 56), conv(3, 32, 28), conv(3, 128, 14)],
  ...[depthwise(32, 112), depthwise(144, 28), depthwise(576, 14)],
  ...[dense(1, 64), dense(1, 1024), dense(16, 256), dense(128, 64), dense(128, 384)],
  ...[small, large].flatMap((shape) => [
    ...(['ADD', 'SUB', 'MUL'] as const).map((op) => binary(op, shape)),
    unary('LOGISTIC', shape, undefined, fixedGrid(1 / 256, -128)),
    unary('TANH', shape, undefined, fixedGrid(1 / 128, 0)),
    unary('LEAKY_RELU', shape, ['LeakyReluOptions', { alpha: 0.1 }]),
    unary('HARD_SWISH', shape),
    unary('SOFTMAX', shape, ['SoftmaxOptions', { beta: 1 }], fixedGrid(1 / 256, -128)),
    pool('MAX_POOL_2D', shape),
    pool('AVERAGE_POOL_2D', shape),
    ...spatial(shape),
  ]),
];

/** µs an operator. */
type Times = Readonly<Record<Form, number | null>>;

async function measure(one: Case, relaxed: boolean): Promise<{ times: Times; notes: readonly string[] }> {
  const forms: Form[] = ['float', 'int8', 'between', ...(one.product ? (['dynamic'] as const) : [])];
  const models = new Map([
    ...forms.map((form): [string, Uint8Array] => [form, build(one, form)]),
    ['float-ends', build(one, 'float', 0)],
    ['int8-ends', build(one, 'int8', 0)],
  ]);
  // A page of its own: LiteRT's memory isn't given back.
  const page = await openLitertPage(relaxed);
  try {
    const { ms, notes } = await page.time(models, one.shape);
    const each = (form: Form): number | null => {
      const ends = ms[form === 'float' || form === 'dynamic' ? 'float-ends' : 'int8-ends'];
      const whole = ms[form];
      if (whole === undefined || ends === undefined) return null;
      return Math.max(0, ((whole - ends) * 1000) / one.depth);
    };
    const said = Object.entries(notes).map(([form, why]) => `${one.name}, ${form}: ${why}`);
    const times = {
      float: each('float'),
      int8: each('int8'),
      between: each('between'),
      dynamic: each('dynamic'),
    };
    return { times, notes: said };
  } finally {
    await page.close();
  }
}

/** Differences below a tenth are none. */
function verdict({ int8, between }: Times): string {
  if (int8 === null || between === null) return 'float';
  if (Math.abs(int8 - between) <= Math.max(int8, between) / 10) return 'either';
  return int8 < between ? 'int8' : 'float';
}

const cell = (us: number | null) => us?.toFixed(1) ?? '';
const row = (t: Times) => [t.float, t.int8, t.between, t.dynamic].map(cell).join(' | ');

const [filter = ''] = process.argv.slice(2);
const first = await openLitertPage(true);
await first.close();
const { cpu } = describeMachine();
console.log(
  `${cpu}; @litertjs/core ${installedVersion('@litertjs/core')}; the browser's relaxed dot product of int8 ${first.dot}. One thread; µs an operator, the least of many runs.\n`,
);
const heads = ['float', 'int8', 'float between integers', 'dynamic int8', 'verdict'];
console.log(`| operator | ${heads.join(' | ')} | plain SIMD: ${heads.join(' | ')} |`);
console.log(`| --- |${' ---: | ---: | ---: | ---: | --- |'.repeat(2)}`);
for (const one of cases.filter(({ name }) => new RegExp(filter).test(name))) {
  const [relaxed, plain] = [await measure(one, true), await measure(one, false)];
  const cells = [relaxed, plain].map(({ times }) => `${row(times)} | ${verdict(times)}`);
  console.log(`| ${one.name} | ${cells.join(' | ')} |`);
  for (const note of [...relaxed.notes, ...plain.notes]) console.log(`<!-- ${note} -->`);
}
