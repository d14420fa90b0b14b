/** Writes a loop as ONNX Loop, whatever form TensorFlow has it in. */
import { removeNode, setOutputs } from '../../ir/edit.ts';
import type { Graph, Value } from '../../ir/model.ts';
import type { ValueType } from '../../ir/type.ts';
import { isSame } from '../../ops/dims.ts';
import type { Emitter } from './emitter.ts';
import { cast, toScalar } from './movement.ts';

export interface LoopParts {
  /** Values before the first round. */
  readonly start: readonly Value[];
  /** Whether to go on with these values. */
  readonly condition: (e: Emitter, values: readonly Value[]) => Value;
  /** The values after one more round. */
  readonly body: (e: Emitter, values: readonly Value[]) => readonly Value[];
}

/** @returns the values after the last round */
export function emitLoop(e: Emitter, { start, condition, body }: LoopParts): readonly Value[] {
  const truth = (inner: Emitter, value: Value) => cast(inner, toScalar(inner, value), 'bool');
  let types = start.map((value) => value.type);
  for (let round = 0; ; round++) {
    const inputs = [
      { name: 'iteration', type: scalarOf('int64') },
      { name: 'goes', type: scalarOf('bool') },
      ...types.map((type, i) => ({ name: `value${i}`, type })),
    ];
    const graph = e.body('body', inputs, (inner, [, , ...values]) => {
      const next = body(inner, values);
      if (next.length !== start.length)
        inner.refuse(`${start.length} values go into a round of it and ${next.length} come out`);
      return [truth(inner, condition(inner, next)), ...next];
    });
    const widened = types.map((type, i) => common(type, graph.outputs[i + 1]!.type));
    if (round === maxRounds || widened.every((type, i) => isSameType(type, types[i]!)))
      return e.emitAll('Loop', [null, truth(e, condition(e, start)), ...start], start.length, {
        body: { type: 'graph', value: graph },
      });
    discard(graph);
    types = widened;
  }
}

/** Sizes that change from one round to the next become open, then ranks; that takes no more rounds. */
const maxRounds = 3;

const scalarOf = (dtype: 'int64' | 'bool'): ValueType => ({ kind: 'tensor', dtype, shape: [] });

/** What holds before and after a round. */
function common(before: ValueType | null, after: ValueType | null): ValueType | null {
  if (before?.kind === 'sequence' && after?.kind === 'sequence')
    return { kind: 'sequence', element: common(before.element, after.element) };
  if (before?.kind !== 'tensor' || after?.kind !== 'tensor') return before;
  if (!before.shape || before.shape.length !== after.shape?.length) return { ...before, shape: null };
  const shape = before.shape.map((d, i) => (isSame(d, after.shape![i]!) ? d : null));
  return { ...before, shape };
}

const isSameType = (a: ValueType | null, b: ValueType | null) => JSON.stringify(a) === JSON.stringify(b);

/** Takes back a body that was written for other types. */
function discard(graph: Graph): void {
  setOutputs(graph, []);
  for (const node of [...graph.nodes].reverse()) removeNode(node);
}
