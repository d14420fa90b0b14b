/** Loops as StatelessWhile: two functions, whose variables are the step, how many there are, whether to go on, what is
 *  carried from step to step, lists of what is stacked, and what stays the same. */
import type { Shape } from '../../../../ir/type.ts';
import type { Emitter } from '../emitter.ts';
import { controlPort, type Ref, type TfType } from '../graph.ts';

interface Inside {
  /** Number of the step, int32 []. */
  readonly index: Ref;
  readonly carried: readonly Ref[];
  readonly constant: readonly Ref[];
}

interface Made {
  readonly carried: readonly Ref[];
  /** One element for each stack. */
  readonly stacked: readonly Ref[];
  /** Whether to go on, bool; null: until the steps are done. */
  readonly going: Ref | null;
}

export interface Repetition {
  readonly hint: string;
  /** int32 [] */
  readonly steps: Ref;
  /** bool; null: at least as long as there are steps. */
  readonly going: Ref | null;
  readonly carried: readonly Ref[];
  readonly constant: readonly Ref[];
  /** Types and shapes of elements that are stacked along a new first axis. */
  readonly stacks: readonly { readonly dtype: TfType; readonly shape: Shape }[];
  body(inner: Emitter, inside: Inside): Made;
}

/** TensorFlow.js frees what a function made and doesn't return, elements of lists too. An element that is in its list is
 *  returned as it is, so that it stays: hence the order.
 *  Source: tfjs-converter/src/executor/graph_executor.ts (_executeAsync), utils.ts (cloneTensor). */
const kept = (e: Emitter, element: Ref, list: Ref): Ref =>
  e.op('Identity', [element, { ...list, port: controlPort }]);

const elementShape = (e: Emitter, shape: Shape): Ref =>
  e.int(shape.map((d) => (typeof d === 'number' ? d : -1)));

export function repeat(e: Emitter, r: Repetition): { carried: readonly Ref[]; stacked: readonly Ref[] } {
  const lists = r.stacks.map(({ dtype, shape }) =>
    e.op(
      'TensorListReserve',
      [elementShape(e, shape), r.steps],
      { element_dtype: { type: dtype } },
      'float32',
    ),
  );
  const going = r.going ?? trueOf(e);
  const last = r.stacks.map(({ dtype }) => (dtype === 'float32' ? e.float(0) : zeroOf(e, dtype)));
  const variables = [e.int(0), r.steps, going, ...r.carried, ...lists, ...last, ...r.constant];
  const types = variables.map(({ dtype }) => dtype);
  const first = 3 + r.carried.length;
  const second = first + 2 * lists.length;
  const cond = e.fn(`${r.hint}_cond`, types, (inner, [index, steps, goes]) => [
    inner.op('LogicalAnd', [inner.op('Less', [index!, steps!], {}, 'bool'), goes!]),
  ]);
  const body = e.fn(`${r.hint}_body`, types, (inner, all) => {
    const [index, steps, goes] = all as [Ref, Ref, Ref];
    // A number of its own: the counter must stay on the CPU, where lists and the next step read it.
    const place = inner.op('AddV2', [index, inner.int(0)]);
    const made = r.body(inner, {
      index: place,
      carried: all.slice(3, first),
      constant: all.slice(second),
    });
    const held = made.stacked.map((element, i) =>
      inner.op(
        'TensorListSetItem',
        [all[first + i]!, index, element],
        { element_dtype: { type: element.dtype } },
        'float32',
      ),
    );
    const next = inner.op('AddV2', [index, inner.int(1)]);
    const elements = made.stacked.map((element, i) => kept(inner, element, held[i]!));
    return [next, steps, made.going ?? goes, ...made.carried, ...held, ...elements, ...all.slice(second)];
  });
  const after = e.ops('StatelessWhile', variables, types, {
    cond: { call: cond.name },
    body: { call: body.name },
  });
  const stacked = r.stacks.map(({ dtype, shape }, i) =>
    e.op(
      'TensorListStack',
      [after[first + i]!, elementShape(e, shape)],
      { element_dtype: { type: dtype }, num_elements: { int: -1 } },
      dtype,
    ),
  );
  return { carried: after.slice(3, first), stacked };
}

const zeroOf = (e: Emitter, dtype: TfType): Ref => (dtype === 'int32' ? e.int(0) : trueOf(e));

const trueOf = (e: Emitter): Ref => e.op('Equal', [e.int(0), e.int(0)], {}, 'bool');
