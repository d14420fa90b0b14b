/** Whether an engine's products of uint8 and int8 are cut off in 16 bits, as on x86 without VNNI. Models for phones and others whose
 *  weights are int8 then compute something else here than where they are for; tests of them run on wasm, whose sums are exact. */
import type { Engine } from '../src/compute/engine/contract.ts';
import { buildKernel, openKernel } from '../src/compute/engine/kernel.ts';
import { openEngine } from '../src/compute/engine/open.ts';
import { numbers, tensorOf } from '../src/model/ir/tensor.ts';

const [side, terms] = [16, 64];

/** 255 · 127 added 64 times: two at a time no longer fit into 16 bits. */
export async function saturatesSums(engine: Engine): Promise<boolean> {
  const product = buildKernel((b) => {
    const x = b.input('x', 'uint8', [side, terms]);
    const w = b.constant(tensorOf('int8', [terms, side], Array(terms * side).fill(127)));
    b.output('sums', b.op('MatMulInteger', [x, w]), 'int32');
  });
  const session = await openKernel(engine, product);
  const { sums } = await session.run({ x: tensorOf('uint8', [side, terms], Array(side * terms).fill(255)) });
  await session.close();
  return numbers(sums!).some((sum) => sum !== terms * 255 * 127);
}

/** The native engine where its sums of integers are exact, otherwise wasm. */
export async function openExactEngine(): Promise<Engine> {
  const native = await openEngine('node');
  return (await saturatesSums(native)) ? openEngine('wasm') : native;
}
