/** How 4-bit weights are best stored: what a layer takes with the DequantizeLinear right on int4, and with a Cast to int8
 *  in between (src/compress/quant/insert.ts). Size of the file, least time of many repetitions, the operators that onnxruntime
 *  natively makes of it. One thread.
 *    npx tsx bench/weight-bits.ts */

import { buildKernel } from '../src/compute/engine/kernel.ts';
import { openEngine } from '../src/compute/engine/open.ts';
import { encodeModel } from '../src/model/formats/onnx/write.ts';
import type { Model } from '../src/model/ir/model.ts';
import { scalar, tensorOf } from '../src/model/ir/tensor.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';
import { optimisedNodes } from '../test/optimised-model.ts';

const forms = ['float', 'int8', 'int4', 'int4, Cast to int8'] as const;
type Form = (typeof forms)[number];
type Layer = '3×3 Conv, 64 → 64, 32×32' | 'MatMul, 128 × 576 × 64';
const layers: readonly Layer[] = ['3×3 Conv, 64 → 64, 32×32', 'MatMul, 128 × 576 × 64'];

const inputDims = (layer: Layer) => (layer.startsWith('MatMul') ? [128, 576] : [1, 64, 32, 32]);

function build(layer: Layer, form: Form): Model {
  const isMatMul = layer.startsWith('MatMul');
  const [dims, axis] = isMatMul ? [[576, 64], 1] : [[64, 64, 3, 3], 0];
  const count = 64 * 576;
  const levels = Array.from({ length: count }, (_, i) => ((i * 7919) % 16) - 8);
  return buildKernel((b) => {
    const x = b.input('x', 'float32', inputDims(layer));
    const grid = (step: number) => [b.constant(scalar('float32', step)), b.constant(scalar('uint8', 128))];
    const roundTrip = (v: typeof x, step: number) => {
      const [s, z] = grid(step) as [typeof x, typeof x];
      return b.op('DequantizeLinear', [b.op('QuantizeLinear', [v, s, z]), s, z]);
    };
    const scale = b.constant(tensorOf('float32', [64], new Array(64).fill(0.001)));
    const zero = (dtype: 'int8' | 'int4') => b.constant(tensorOf(dtype, [64], new Array(64).fill(0)));
    const stored = (dtype: 'int8' | 'int4') => b.constant(tensorOf(dtype, dims, levels));
    const weight = () => {
      if (form === 'float')
        return b.constant(
          tensorOf(
            'float32',
            dims,
            levels.map((v) => v * 0.001),
          ),
        );
      const dtype = form === 'int4' ? 'int4' : 'int8';
      const integers =
        form === 'int4, Cast to int8' ? b.op('Cast', [stored('int4')], { to: 3 }) : stored(dtype);
      return b.op('DequantizeLinear', [integers, scale, zero(dtype)], { axis });
    };
    const from = form === 'float' ? x : roundTrip(x, 0.02);
    const y = isMatMul
      ? b.op('MatMul', [from, weight()])
      : b.op('Conv', [from, weight()], { pads: [1, 1, 1, 1] });
    b.output('y', form === 'float' ? y : roundTrip(y, 0.05), 'float32');
  });
}

async function leastMs(engineName: 'node' | 'wasm', layer: Layer, form: Form): Promise<number> {
  const engine = await openEngine(engineName);
  const session = await engine.open({ bytes: encodeModel(build(layer, form)) }, { threads: 1 });
  const dims = inputDims(layer);
  const values = Float32Array.from(
    { length: dims.reduce((a, b) => a * b, 1) },
    (_, i) => ((i * 31) % 200) / 50 - 2,
  );
  const feeds = { x: tensorOf('float32', dims, values) };
  const times: number[] = [];
  for (let i = 0; i < 150; i++) {
    const started = performance.now();
    await session.run(feeds);
    times.push(performance.now() - started);
  }
  await session.close();
  return Math.min(...times);
}

const { os, cpu, cores, node, runtimes } = describeMachine();
console.log(`${os}, ${cpu}, ${cores} cores, Node ${node}, ${JSON.stringify(runtimes)}; least of 150 runs\n`);
console.log(
  '| layer | weights | file | native | wasm | what computes, natively |\n| --- | --- | --- | --- | --- | --- |',
);
for (const layer of layers)
  for (const form of forms) {
    const model = build(layer, form);
    const [native, wasm] = [await leastMs('node', layer, form), await leastMs('wasm', layer, form)];
    const ops = (await optimisedNodes(model)).map((n) => n.opType).filter((op) => op !== 'QuantizeLinear');
    console.log(
      `| ${layer} | ${form} | ${encodeModel(model).length} B | ${native.toFixed(3)} ms | ${wasm.toFixed(2)} ms | ${ops.join(', ')} |`,
    );
  }
process.exit(0);
