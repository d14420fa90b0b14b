/** If, Loop and Scan: their graphs become functions, which are handed the outer values that they read. */
import { intAttribute, intsAttribute } from '../../../../ir/attribute.ts';
import { type Graph, type Node, shapeOf, type Value } from '../../../../ir/model.ts';
import { constantNumbers } from '../../../../rewrite/arguments.ts';
import { capturedBy, graphOf } from '../../../lowered/captured.ts';
import { type Emitter, refuse, type TfOperator, type TfOperators, typeOf } from '../emitter.ts';
import type { Ref } from '../graph.ts';
import { cast } from './elementwise.ts';
import { repeat } from './loops.ts';
import { reshape, sizeOf } from './shaping.ts';

const capturedFrom = (e: Emitter, graph: Graph) => capturedBy(graph, (v) => e.weightOf(v) !== null);

const choose: TfOperator = (node, e) => {
  const branches = ['then_branch', 'else_branch'].map((name) => graphOf(node, name));
  const captured = [...new Set(branches.flatMap((graph) => capturedFrom(e, graph)))];
  const values = captured.map((v) => e.ref(v));
  const types = values.map(({ dtype }) => dtype);
  const [then, otherwise] = branches.map((graph, i) =>
    e.fn(i === 0 ? 'then' : 'else', types, (inner, inputs) =>
      inner.body(graph, new Map(captured.map((v, k) => [v, inputs[k]!]))),
    ),
  );
  const results = node.outputs.map((v) => typeOf(v));
  return e.ops('StatelessIf', [reshape(e, e.input(node, 0), []), ...values], results, {
    then_branch: { call: then!.name },
    else_branch: { call: otherwise!.name },
  });
};

/** A count beyond what int32 holds never ends. */
function stepsOf(node: Node, e: Emitter): Ref {
  const value = node.inputs[0];
  const known = constantNumbers(value)?.[0];
  if (!value || (known !== undefined && known > 2 ** 31 - 1)) return e.int(2 ** 31 - 1);
  return reshape(e, cast(e, e.ref(value), 'int32'), []);
}

function stackOf(node: Node, v: Value) {
  const shape = shapeOf(v) ?? refuse(node, `the rank of "${v.name}", which it stacks, is not known`);
  return { dtype: typeOf(v), shape };
}

const loop: TfOperator = (node, e) => {
  const graph = graphOf(node, 'body');
  const count = graph.inputs.length - 2;
  const captured = capturedFrom(e, graph);
  const going = node.inputs[1] ? reshape(e, e.ref(node.inputs[1]), []) : null;
  const { carried, stacked } = repeat(e, {
    ...{ hint: 'loop', steps: stepsOf(node, e), going },
    carried: Array.from({ length: count }, (_, i) => e.input(node, i + 2)),
    constant: captured.map((v) => e.ref(v)),
    stacks: graph.outputs.slice(count + 1).map((v) => stackOf(node, v)),
    body(inner, { index, carried, constant }) {
      const bindings = new Map(captured.map((v, i) => [v, constant[i]!]));
      bindings.set(graph.inputs[0]!, index);
      bindings.set(graph.inputs[1]!, inner.op('Equal', [index, index], {}, 'bool'));
      carried.forEach((ref, i) => void bindings.set(graph.inputs[i + 2]!, ref));
      const [goes, ...results] = inner.body(graph, bindings) as [Ref, ...Ref[]];
      return {
        going: reshape(inner, goes, []),
        carried: results.slice(0, count),
        stacked: results.slice(count),
      };
    },
  });
  return [...carried, ...stacked];
};

/** Over the first axis, forwards. */
const scan: TfOperator = (node, e) => {
  const graph = graphOf(node, 'body');
  const scanned = intAttribute(node, 'num_scan_inputs', 1);
  const names = ['scan_input_axes', 'scan_input_directions', 'scan_output_axes', 'scan_output_directions'];
  if (names.some((name) => intsAttribute(node, name, []).some((v) => v !== 0)))
    return refuse(node, 'it goes backwards, or not along the first axis');
  const count = graph.inputs.length - scanned;
  const captured = capturedFrom(e, graph);
  const inputs = Array.from({ length: scanned }, (_, i) => e.input(node, count + i));
  const { carried, stacked } = repeat(e, {
    ...{ hint: 'scan', steps: reshape(e, sizeOf(e, inputs[0]!, 0), []), going: null },
    carried: Array.from({ length: count }, (_, i) => e.input(node, i)),
    constant: [...inputs, ...captured.map((v) => e.ref(v))],
    stacks: graph.outputs.slice(count).map((v) => stackOf(node, v)),
    body(inner, { index, carried, constant }) {
      const bindings = new Map(captured.map((v, i) => [v, constant[scanned + i]!]));
      carried.forEach((ref, i) => void bindings.set(graph.inputs[i]!, ref));
      for (let i = 0; i < scanned; i++) {
        const part = inner.op('GatherV2', [constant[i]!, index, inner.int(0)], { batch_dims: { int: 0 } });
        bindings.set(graph.inputs[count + i]!, part);
      }
      const results = inner.body(graph, bindings);
      return { going: null, carried: results.slice(0, count), stacked: results.slice(count) };
    },
  });
  return [...carried, ...stacked];
};

export const control: TfOperators = { If: choose, Loop: loop, Scan: scan };
