/** One operator in a file: LiteRT runs it, and onnxruntime runs what we read of it. */
import { expect, it } from 'vitest';
import type { Engine } from '../../../../src/compute/engine/contract.ts';
import { openModelBytes } from '../../../../src/model/formats/opened.ts';
import type { TfliteType } from '../../../../src/model/formats/tflite/codes.ts';
import type { TfliteOptions } from '../../../../src/model/formats/tflite/options.ts';
import { numbers, type Tensor, tensorOf } from '../../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../../src/model/ir/verify.ts';
import { Diagnostic } from '../../../../src/support/diagnostics.ts';
import { createRandom } from '../../../../src/support/random.ts';
import { largestDifference, normalTensor, runModel } from '../../../run-model.ts';

import { type LitertResult, litertMissing, runLitert } from './litert.ts';
import { constant, type Settings, type TinyGraph, type TinyTensor, tinyFile } from './tiny-file.ts';

export interface Operand {
  readonly tensor: Tensor;
  readonly isConstant?: boolean;
  /** Sizes that the file leaves open, as −1. */
  readonly open?: readonly number[];
  readonly more?: Partial<TinyTensor>;
}

/** Seeded, standard normal. */
export const given = (...dims: number[]): Operand => ({ tensor: normalTensor(dims, dims.length + 1) });
/** Seeded, from 0.1 on. */
export const positive = (...dims: number[]): Operand => ({
  tensor: tensorOf(
    'float32',
    dims,
    numbers(normalTensor(dims, 5)).map((v) => Math.abs(v) + 0.1),
  ),
});
export const whole = (dims: readonly number[], values: readonly number[]): Operand => ({
  tensor: tensorOf('int32', dims, values),
});
export const flags = (dims: readonly number[], values: readonly number[]): Operand => ({
  tensor: tensorOf('bool', dims, values),
});
/** A constant of int32, as most operators take axes and shapes. */
export const list = (...values: number[]): Operand => ({
  ...whole([values.length], values),
  isConstant: true,
});
export const scalar = (value: number): Operand => ({ ...whole([], [value]), isConstant: true });
export const real = (value: number): Operand => ({
  tensor: tensorOf('float32', [], [value]),
  isConstant: true,
});
export const weights = (...dims: number[]): Operand => ({ tensor: normalTensor(dims, 7), isConstant: true });

export interface Output {
  readonly type?: TfliteType;
  readonly dims: readonly number[];
  readonly more?: Partial<TinyTensor>;
}

export interface Case {
  readonly name: string;
  readonly op: string;
  /** null for one that is left out. */
  readonly inputs: readonly (Operand | null)[];
  readonly outputs: readonly Output[];
  readonly options?: readonly [TfliteOptions, Settings];
  readonly customOptions?: Uint8Array;
  /** Of the operator; LiteRT knows some only from a later one on. */
  readonly version?: number;
  /** What is computed on the way. */
  readonly intermediates?: readonly TinyTensor[];
  /** Graphs that it calls. */
  readonly called?: readonly TinyGraph[];
  /** Relative to the largest result, or in steps for integers. By default float32 sums in another order, and equal integers. */
  readonly tolerance?: number;
  /** With XNNPACK. */
  readonly delegate?: boolean;
  /** Transposes that are left in the model. */
  readonly transposes?: number;
}

export function fileOf({
  op,
  inputs,
  outputs,
  options,
  customOptions,
  version = 1,
  intermediates = [],
  called = [],
}: Case): Uint8Array {
  const operands = inputs.map((operand, i) => (operand ? { name: `x${i}`, operand } : null));
  const given = operands.flatMap((o) => (o ? [o] : []));
  const tensors: Record<string, TinyTensor> = Object.fromEntries([
    ...given.map(({ name, operand }) => [name, tensorOfOperand(operand)] as const),
    ...outputs.map(({ dims, type = 'float32', more }, i) => [`y${i}`, { dims, type, ...more }] as const),
  ]);
  for (const [i, tensor] of intermediates.entries()) tensors[`between${i}`] = tensor;
  const graph: TinyGraph = {
    tensors,
    inputs: given.filter((o) => !o.operand.isConstant).map((o) => o.name),
    outputs: outputs.map((_, i) => `y${i}`),
    operators: [
      {
        op,
        version,
        ...(intermediates.length > 0 ? { intermediates: intermediates.map((_, i) => `between${i}`) } : {}),
        inputs: operands.map((o) => o?.name ?? ''),
        outputs: outputs.map((_, i) => `y${i}`),
        ...(options ? { options } : {}),
        ...(customOptions ? { customOptions } : {}),
      },
    ],
  };
  return tinyFile([graph, ...called]);
}

function tensorOfOperand({ tensor, isConstant, open, more }: Operand): TinyTensor {
  const whole = constant(tensor, more);
  if (isConstant) return whole;
  const { bytes: _, ...rest } = whole;
  return open ? { ...rest, signature: tensor.dims.map((d, i) => (open.includes(i) ? -1 : d)) } : rest;
}

/** The inputs that a caller gives. */
const feedsOf = ({ inputs }: Case): Record<string, Tensor> =>
  Object.fromEntries(inputs.flatMap((o, i) => (o && !o.isConstant ? [[`x${i}`, o.tensor] as const] : [])));

/** A row a case. @param engine  asked for when the cases run */
export function checkAll(engine: () => Engine, cases: readonly Case[]): void {
  let theirs: readonly LitertResult[] | undefined;
  const expected = (at: number) => {
    theirs ??= runLitert(
      cases.map((c) => ({
        model: fileOf(c),
        inputs: Object.values(feedsOf(c)),
        delegate: c.delegate ?? false,
      })),
    );
    return theirs[at]!;
  };
  it.skipIf(litertMissing !== null).each(cases.map((c, at) => ({ ...c, at })))('$name', async (c) => {
    const { model } = openModelBytes(fileOf(c), { name: 'tiny.tflite' });
    verifyModel(model);
    const ours = Object.values(await runModel(engine(), model, feedsOf(c)));
    const result = expected(c.at);
    if ('error' in result) throw new Error(`LiteRT refuses it: ${result.error}`);
    expect(ours.map((t) => t.dims)).toEqual(result.map((t) => t.dims));
    result.forEach((t, i) => {
      const { difference, magnitude } = largestDifference(t, ours[i]!);
      const whole = t.dtype !== 'float32';
      const most = whole ? (c.tolerance ?? 0) : (c.tolerance ?? 1e-5) * Math.max(1, magnitude);
      expect(
        difference,
        `${numbers(t).slice(0, 12)} and ${numbers(ours[i]!).slice(0, 12)}`,
      ).toBeLessThanOrEqual(most);
    });
    if (c.transposes !== undefined)
      expect(model.graph.nodes.filter((n) => n.opType === 'Transpose')).toHaveLength(c.transposes);
  });
  if (litertMissing) it.skip(litertMissing, () => undefined);
  it('each is read or refused with a code whatever a word of its file says', () => {
    const random = createRandom(cases.length);
    for (const c of cases) {
      const file = fileOf(c);
      for (let round = 0; round < 40; round++) {
        const copy = file.slice();
        const word = [0, 1, -1, 2, 0x7fffffff, -(2 ** 31), random.integer(1 << 16)][random.integer(7)]!;
        new DataView(copy.buffer).setInt32(8 + 4 * random.integer(copy.length / 4 - 2), word, true);
        outcomeOf(copy);
      }
    }
  });
}

/** 'read', or the code of what refuses it. Reads all that is lazy. */
export function outcomeOf(bytes: Uint8Array): string {
  try {
    const { model } = openModelBytes(bytes, { name: 'strange.tflite' });
    verifyModel(model);
    for (const value of model.graph.initializers) value.constant?.bytes();
    return 'read';
  } catch (error) {
    if (!(error instanceof Diagnostic) || error.kind === 'internal') throw error;
    return error.code;
  }
}
