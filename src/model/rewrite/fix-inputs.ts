/** Inputs that get the same number at every run, as a part of the model: a sampling rate, a flag that chooses a branch. */
import { inputNotFixed, inputUnknown } from '../../support/diagnostics/graph.ts';
import { cloneModel } from '../ir/clone.ts';
import { dtypes } from '../ir/dtype.ts';
import { addInitializer, removeInput } from '../ir/edit.ts';
import { dtypeOf, type Model, shapeOf, type Value } from '../ir/model.ts';
import { elementCount, tensorOf } from '../ir/tensor.ts';
import { formatType, isStatic } from '../ir/type.ts';
import { inferShapes } from '../ops/shapes.ts';

/** By the name of an input; each of its elements is that number. */
export type FixedInputs = Readonly<Record<string, number>>;

/** @returns a copy without these inputs
 *  @throws INPUT_UNKNOWN, INPUT_NOT_FIXED for a size that is open and a number that the input's type doesn't hold */
export function withFixedInputs(source: Model, fixed: FixedInputs): Model {
  const model = cloneModel(source);
  for (const [name, number] of Object.entries(fixed)) {
    const given = model.graph.inputs.filter((v) => !v.constant);
    const value = given.find((v) => v.name === name);
    if (!value)
      throw inputUnknown(
        name,
        given.map((v) => v.name),
      );
    const constant = constantOfType(value, number);
    removeInput(model.graph, value);
    addInitializer(model.graph, value, constant);
  }
  inferShapes(model);
  return model;
}

function constantOfType(value: Value, number: number) {
  const [dtype, dims] = [dtypeOf(value), shapeOf(value)];
  const fail = () => inputNotFixed(value.name, value.type ? formatType(value.type) : 'of no type', number);
  if (!dtype || !isStatic(dims)) throw fail();
  const { kind, min, max } = dtypes[dtype];
  const isWhole = Number.isSafeInteger(number);
  const fits =
    kind === 'float' ||
    (kind === 'bool' && (number === 0 || number === 1)) ||
    (isWhole && number >= Number(min ?? -Infinity) && number <= Number(max ?? Infinity) && kind !== 'bool');
  if (!fits || !['float', 'bool', 'int', 'uint'].includes(kind)) throw fail();
  return tensorOf(dtype, dims, Array<number>(elementCount(dims)).fill(number));
}
