/** If and While whose branches and bodies are functions of the model. */
import { tfjsMalformed } from '../../../../support/diagnostics/tfjs.ts';
import type { Value } from '../../../ir/model.ts';
import { cast, type Emitter, toScalar } from '../emit/index.ts';
import type { GraphNode } from '../graph/graph-def.ts';
import { evaluate, type Program, type Scope, type Structure } from '../graph/scope.ts';
import { emitLoop } from './loop.ts';

/** Calls within calls; a function that calls itself has no end. */
const deepest = 64;
const depths = new WeakMap<Emitter['graph'], number>();

/** Writes the body of a function into the graph of `e`. */
function call(program: Program, node: GraphNode, attribute: string, e: Emitter, args: readonly Value[]) {
  const name = node.attributes.func(attribute);
  const found = name === null ? undefined : program.functions.get(name);
  if (!found)
    throw tfjsMalformed(program.file, `${node.op} "${node.name}" calls "${name}", which is not there`);
  const scope: Scope = {
    program,
    e,
    nodes: found.nodes,
    values: new Map(found.inputs.map((input, i) => [input, args[i] ? [args[i]!] : []])),
  };
  return found.outputs.map((source) => evaluate(scope, source));
}

/** @throws TFJS_MALFORMED for a function that calls itself */
function guarded(program: Program, e: Emitter, outer: Emitter, node: GraphNode): void {
  const depth = (depths.get(outer.graph) ?? 0) + 1;
  if (depth > deepest) throw tfjsMalformed(program.file, `${node.op} "${node.name}" calls itself`);
  depths.set(e.graph, depth);
}

const choice: Structure = {
  convert({ program, e: outer, ...scope }, node) {
    const e = outer.at(node.op, node.name);
    const inputs = node.inputs.map((source) => evaluate({ program, e: outer, ...scope }, source));
    const condition = cast(e, toScalar(e, inputs[0]!), 'bool');
    const branch = (attribute: string) =>
      e.body(attribute, [], (inner) => {
        guarded(program, inner, outer, node);
        return call(program, node, attribute, inner, inputs.slice(1));
      });
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
      start: node.inputs.map((source) => evaluate(scope, source)),
      condition: (inner, values) => {
        if (inner !== e) guarded(program, inner, scope.e, node);
        return call(program, node, 'cond', inner, values)[0]!;
      },
      body: (inner, values) => {
        guarded(program, inner, scope.e, node);
        return call(program, node, 'body', inner, values);
      },
    });
  },
};

export const functionStructures: Readonly<Record<string, Structure>> = {
  If: choice,
  StatelessIf: choice,
  While: loop,
  StatelessWhile: loop,
};
