/** Edits of one graph that are put in order once, at their end. */
import {
  addInitializer,
  addNode,
  type NodeInit,
  removeInitializer,
  removeNodes,
  replaceAllUses,
  setInput,
  settleNodes,
} from '../ir/edit.ts';
import {
  constantOf,
  type Graph,
  isGraphOutput,
  type Model,
  type Node,
  opset,
  type Value,
} from '../ir/model.ts';
import { inheritName } from '../ir/names.ts';
import { inheritNotes } from '../ir/note.ts';
import { numbers, type Tensor, tensorOf } from '../ir/tensor.ts';
import { tensorType } from '../ir/type.ts';
import { allowPlainInitializers } from '../rewrite/plain-initializers.ts';
import { permutationOf, permuted } from './permutation.ts';
import type { Edit } from './rule.ts';

export interface LayoutSession extends Edit {
  readonly model: Model;
  readonly graph: Graph;
  /** A node whose place is found later. */
  add(init: NodeInit): Node;
  /** Removes Transposes and constants that nobody reads any more, and puts the nodes in order. */
  finish(): void;
}

export function openSession(model: Model, graph: Graph): LayoutSession {
  const added = new Set<Node>();
  /** New constants, and whose place they take. */
  const heirs = new Map<Value, Value>();
  const add = (init: NodeInit) => {
    const node = addNode(graph, init);
    added.add(node);
    return node;
  };
  const unread = new Set([...graph.initializers].filter((v) => v.uses.length === 0));
  /** Settings by what they say. */
  const settings = new Map<string, Value>();
  const constant = (name: string | Value, tensor: Tensor) => {
    allowPlainInitializers(model);
    if (typeof name !== 'string') {
      const made = addInitializer(graph, name.name, tensor);
      heirs.set(made, name);
      return made;
    }
    const key = `${name} ${tensor.dtype} [${tensor.dims}] ${numbers(tensor)}`;
    const made = settings.get(key) ?? addInitializer(graph, name, tensor);
    settings.set(key, made);
    return made;
  };
  const gathered = (v: Value, order: readonly number[]) =>
    add({
      opType: 'Gather',
      inputs: [v, constant('order', tensorOf('int64', [order.length], order))],
      attributes: { axis: 0 },
    });
  return {
    model,
    graph,
    opset: opset(model) || opset(model, 'ai.onnx'),
    add,
    constant,
    reorder(vector, order) {
      const tensor = constantOf(vector);
      if (tensor)
        return constant(vector, tensorOf(tensor.dtype, [order.length], permuted(numbers(tensor), order)));
      const [made] = gathered(vector, order).outputs;
      made!.type = vector.type;
      return made!;
    },
    reorderOutput(node, order) {
      const written = node.outputs[0]!;
      const gather = gathered(written, order);
      const [made] = gather.outputs;
      replaceOutput(written, made!);
      setInput(gather, 0, written);
      made!.type = tensorType('int64', [order.length]);
    },
    finish() {
      removeNodes(graph, unreadTransposes(graph));
      settleNodes(graph, added);
      passNamesOn(model, graph, heirs);
      for (const v of [...graph.initializers])
        if (v.uses.length === 0 && !v.overridable && !unread.has(v)) removeInitializer(graph, v);
    },
  };
}

/** `made` is read instead of `old`, under its name. */
function replaceOutput(old: Value, made: Value): void {
  const wasOutput = isGraphOutput(old);
  replaceAllUses(old, made);
  if (!wasOutput) [old.name, made.name] = [made.name, old.name];
}

/** Last ones first, so that chains mostly go in one walk. */
function unreadTransposes(graph: Graph): Set<Node> {
  const gone = new Set<Node>();
  const isUnread = (node: Node) =>
    node.outputs.every((v) => !v || v.uses.every((u) => u.node && gone.has(u.node)));
  const transposes = graph.nodes.filter(permutationOf).reverse();
  for (let before = -1; before < gone.size; ) {
    before = gone.size;
    for (const node of transposes) if (isUnread(node)) gone.add(node);
  }
  return gone;
}

/** Constants in whose place others stand now, once nobody reads them; their names go on. */
function passNamesOn(model: Model, graph: Graph, heirs: ReadonlyMap<Value, Value>): void {
  for (const [made, old] of heirs) {
    inheritNotes(old, made);
    if (old.uses.length > 0 || old.overridable) continue;
    if (!graph.initializers.has(old)) continue;
    removeInitializer(graph, old);
    inheritName(model.names, made, old);
  }
}
