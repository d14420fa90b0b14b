/** If and While whose branches and bodies are functions of the model. */
import { tfjsMalformed } from '../../../../support/diagnostics/tfjs.ts';
import type { Value } from '../../../ir/model.ts';
import { cast, type Emitter, toScalar } from '../../emit/index.ts';
import { emitLoop } from '../../emit/loop.ts';
import type { GraphNode } from '../graph/graph-def.ts';
import { evaluate, evaluateReal, openScope, type Program, type Structure, sourceOf } from '../graph/scope.ts';

/** Writes the body of a function into the graph of `e`. */
function call(program: Program, node: GraphNode, attribute: string, e: Emitter, args: readonly Value[]) {
  const name = node.attributes.func(attribute);
  const found = name === null ? undefined : program.functions.get(name);
  if (!found)
    throw tfjsMalformed(program.file, `${node.op} "${node.name}" calls "${name}", which is not there`);
  const scope = openScope(
    { program, e, nodes: found.nodes },
    found.inputs.map((input, i) => [input, args[i] ? [args[i]!] : []] as const),
  );
  return found.outputs.map((source) => evaluateReal(scope, source, node));
}

const choice: Structure = {
  convert(scope, node) {
    const e = scope.e.at(node.op, node.name);
    const condition = cast(e, toScalar(e, evaluate(scope, sourceOf(scope, node, 0))), 'bool');
    const args = node.inputs.slice(1).map((source) => evaluate(scope, source));
    const branch = (attribute: string) =>
      e.body(attribute, [], (inner) => call(scope.program, node, attribute, inner, args));
    const [taken, other] = [branch('then_branch'), branch('else_branch')];
    return e.emitAll('If', [condition], taken.outputs.length, {
      then_branch: { type: 'graph', value: taken },
      else_branch: { type: 'graph', value: other },
    });
  },
};

const loop: Structure = {
  convert(scope, node) {
    const { program } = scope;
    const e = scope.e.at(node.op, node.name);
    return emitLoop(e, {
      start: node.inputs.map((source) => evaluateReal(scope, source, node)),
      condition: (inner, values) =>
        call(program, node, 'cond', inner, values)[0] ?? e.refuse('its condition has no output'),
      body: (inner, values) => call(program, node, 'body', inner, values),
    });
  },
};

export const functionStructures: Readonly<Record<string, Structure>> = {
  If: choice,
  StatelessIf: choice,
  While: loop,
  StatelessWhile: loop,
};
