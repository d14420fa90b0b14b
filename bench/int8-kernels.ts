/** Which operators gain from int8, by shape and engine: the facts behind src/compress/quant/integer-kernels.ts.
 *    npx tsx bench/int8-kernels.ts [wasm|node] [pattern]
 *  Each case is a chain of equal layers timed alternately in float and in int8 forms; the number is the least time of
 *  many repetitions, as other load can only add to it. One thread. */

import type { Engine, EngineName, Session } from '../src/compute/engine/contract.ts';
import { openKernel } from '../src/compute/engine/kernel.ts';
import { openEngine } from '../src/compute/engine/open.ts';
import type { Tensor } from '../src/model/ir/tensor.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';
import { buildCase, caseFeeds, formatOp, multiplyAdds, type Shape, type Variant } from './int8-models.ts';

const variants: readonly Variant[] = [
  'float',
  'static-u8s8',
  'static-u8u8',
  'dynamic-u8s8',
  'dynamic-u8u8',
  'integer-u8u8',
  'float-island',
  'static-island',
  'float-relu',
  'static-relu',
];
const compared = [
  'static-u8s8',
  'static-u8u8',
  'static between float',
  'dynamic-u8s8',
  'dynamic-u8u8',
  'integer-u8u8',
  'static before Relu',
];

const conv = (kernel: number, channels: number, size: number): Shape => ({
  kind: 'conv',
  kernel,
  channels: [channels, channels],
  size,
});
const depthwise = (channels: number, size: number): Shape =>
  ({ ...conv(3, channels, size), kind: 'depthwise' }) as Shape;
const product = (kind: 'matmul' | 'gemm', m: number, k: number): Shape => ({ kind, m, k, n: k });

/** Channels change, as in inverted residual blocks: a chain can't repeat, so these are measured alone. */
const pointwise = (from: number, to: number, size: number): Shape => ({
  kind: 'conv',
  kernel: 1,
  channels: [from, to],
  size,
});

const shapes: readonly Shape[] = [
  ...[16, 32, 64, 128, 256, 512].map((c) => conv(1, c, 28)),
  ...[16, 64, 256, 960].map((c) => conv(1, c, 7)),
  ...[16, 32, 64].map((c) => conv(1, c, 56)),
  ...[8, 16, 32, 64, 128].map((c) => conv(3, c, 28)),
  ...[64, 256].map((c) => conv(3, c, 7)),
  ...[16, 64].map((c) => conv(3, c, 56)),
  ...[32, 144, 512].map((c) => depthwise(c, 28)),
  ...[960].map((c) => depthwise(c, 7)),
  ...[32].map((c) => depthwise(c, 112)),
  ...[1, 16, 128].flatMap((m) => [64, 256, 1024].map((k) => product('matmul', m, k))),
  ...[2, 4, 8].map((m) => product('matmul', m, 256)),
  ...[1, 16, 128].map((m) => product('gemm', m, 1024)),
  pointwise(16, 96, 112),
  pointwise(24, 144, 56),
  pointwise(144, 24, 56),
  pointwise(32, 192, 28),
  pointwise(192, 32, 28),
  pointwise(64, 384, 14),
  pointwise(384, 64, 14),
  pointwise(96, 576, 14),
  pointwise(576, 96, 14),
  pointwise(160, 960, 7),
  pointwise(960, 160, 7),
  pointwise(320, 1280, 7),
];

interface Runner {
  readonly session: Session;
  bestMs: number;
}

async function bench(engine: Engine, shape: Shape): Promise<(number | null)[]> {
  const repeats = 'm' in shape || shape.channels[0] === shape.channels[1];
  const depth = !repeats ? 1 : Math.max(2, Math.min(8, Math.round(1e7 / multiplyAdds(shape))));
  const feeds = caseFeeds(shape);
  const runners: (Runner | null)[] = [];
  for (const variant of variants) runners.push(await start(engine, shape, variant, depth, feeds));
  const end = performance.now() + 2000;
  for (let i = 0; i < 12 || (performance.now() < end && i < 400); i++)
    for (const r of runners) if (r) await time(r, feeds);
  for (const r of runners) await r?.session.close();
  return runners.map((r) => (r ? r.bestMs / depth : null));
}

async function start(
  engine: Engine,
  shape: Shape,
  variant: Variant,
  depth: number,
  feeds: Record<string, Tensor>,
): Promise<Runner | null> {
  try {
    const session = await openKernel(engine, buildCase(shape, variant, depth), { threads: 1 });
    for (let i = 0; i < 3; i++) await session.run(feeds);
    return { session, bestMs: Number.POSITIVE_INFINITY };
  } catch (error) {
    console.error(`${formatOp(shape)} ${variant}: ${(error as Error).message}`);
    return null;
  }
}

async function time(r: Runner, feeds: Record<string, Tensor>): Promise<void> {
  const begin = performance.now();
  await r.session.run(feeds);
  r.bestMs = Math.min(r.bestMs, performance.now() - begin);
}

const [only, filter = ''] = process.argv.slice(2);
const machine = describeMachine();
console.log(
  `${machine.cpu}, ${machine.os}, node ${machine.node}, 1 thread; speed-up over float, least of N runs\n`,
);
for (const name of (only ? [only] : ['wasm', 'node']) as EngineName[]) {
  const engine = await openEngine(name);
  // V8 optimises wasm functions as they get hot; the first table row is not the place to pay for it.
  await bench(engine, conv(1, 128, 28));
  console.log(`| ${name} ${engine.version} | float ms | ${compared.join(' | ')} |`);
  console.log(`| --- | ---: | ${compared.map(() => '---:').join(' | ')} |`);
  for (const shape of shapes.filter((s) => new RegExp(filter).test(formatOp(s)))) {
    const [float, s8, u8, dynamicS8, dynamicU8, integer, floatIsland, island, floatRelu, relu] = await bench(
      engine,
      shape,
    );
    // The float operator between the layers is in both island forms; what it costs is taken out of the slower one.
    const alone = island && floatIsland && float ? island - Math.max(0, floatIsland - float) : null;
    const ratios = [s8, u8, alone, dynamicS8, dynamicU8, integer].map((ms) =>
      ms && float ? (float / ms).toFixed(2) : '–',
    );
    ratios.push(floatRelu && relu ? (floatRelu / relu).toFixed(2) : '–');
    console.log(`| ${formatOp(shape)} | ${float?.toFixed(3) ?? '–'} | ${ratios.join(' | ')} |`);
  }
  console.log();
}
process.exit(0);
