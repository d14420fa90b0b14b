/** Writes loops over time as ONNX Scan. */
import { graphAttribute, intAttribute } from '../../model/ir/attribute.ts';
import { addInput, addOutput, createGraph, createValue } from '../../model/ir/edit.ts';
import type { Node, Value } from '../../model/ir/model.ts';
import { tensorType } from '../../model/ir/type.ts';
import { createEmitter, type Emitter } from './emitter.ts';

export interface Loop {
  /** What is carried from step to step: the values before the first one. */
  readonly states: readonly Value[];
  /** [T, …]: every step sees its own […]. */
  readonly sequences: readonly Value[];
  /** From the last step to the first; what is put out keeps its place in time. */
  readonly reverse: boolean;
  /** One step in terms of the body's own values; values of the graph around it may be read as they are.
   *  @returns the next states, and what is put out of every step */
  step(
    body: Emitter,
    states: readonly Value[],
    slices: readonly Value[],
  ): { readonly states: readonly Value[]; readonly outputs: readonly Value[] };
}

interface Looped {
  readonly node: Node;
  /** The states after the last step. */
  readonly states: readonly Value[];
  /** [T, …] each. */
  readonly outputs: readonly Value[];
}

export function emitLoop(e: Emitter, loop: Loop): Looped {
  const graph = createGraph(e.graph.names, 'step');
  const body = createEmitter({ ...e.model, graph });
  const enter = (v: Value, dims: readonly number[]) =>
    addInput(graph, createValue(graph.names, `step.${v.name}`, tensorType('float32', dims)));
  const states = loop.states.map((v) => enter(v, e.dims(v)));
  const slices = loop.sequences.map((v) => enter(v, e.dims(v).slice(1)));
  const made = loop.step(body, states, slices);
  // An output of the body is a value of its own, made in it.
  for (const v of [...made.states, ...made.outputs]) {
    const own = v.producer?.graph === graph && !graph.outputs.includes(v);
    addOutput(graph, own ? v : body.op('Identity', [v]));
  }
  const backwards = (count: number) => Array<number>(count).fill(loop.reverse ? 1 : 0);
  const outputs = e.ops(
    'Scan',
    [...loop.states, ...loop.sequences],
    made.states.length + made.outputs.length,
    {
      body: graphAttribute(graph),
      num_scan_inputs: loop.sequences.length,
      scan_input_directions: backwards(loop.sequences.length),
      scan_output_directions: backwards(made.outputs.length),
    },
  );
  return {
    node: (outputs[0] as Value).producer as Node,
    states: outputs.slice(0, made.states.length),
    outputs: outputs.slice(made.states.length),
  };
}

/** Whether a Scan reads its first sequence from the end. */
export const isReversed = (scan: Node): boolean => {
  const a = scan.attributes.get('scan_input_directions');
  return a?.type === 'ints' && a.value[0] === 1n && intAttribute(scan, 'num_scan_inputs', 1) > 0;
};
