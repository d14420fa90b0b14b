/** What a rule has emitted so far, so that it can be taken back, and the names that it hands on where it stays. */
import { addInitializer, addNode, discardInitializer, discardNode } from '../ir/edit.ts';
import { type Model, type Node, opset, type Value } from '../ir/model.ts';
import { freshName, inheritName } from '../ir/names.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { Match } from './match.ts';
import { allowPlainInitializers } from './plain-initializers.ts';
import type { Emit, EmitOptions } from './rule.ts';

export interface Draft {
  readonly emit: Emit;
  /** Outputs of the emitted nodes. */
  readonly values: ReadonlySet<Value>;
  /** Leaves the model as it was. */
  discard(): void;
  /** New constants take the names of those that went; those that nobody reads go. */
  settle(removed: ReadonlySet<Value>): void;
}

interface MadeConstant {
  readonly made: Value;
  /** Whose name it takes if that one goes. */
  readonly like: Value | null;
}

export function createDraft(model: Model, match: Match): Draft {
  const { root } = match;
  const { graph } = root;
  const base = root.outputs.find((v) => v)?.name;
  const nodes: Node[] = [];
  const constants: MadeConstant[] = [];
  const values = new Set<Value>();
  const nameFor = nodeNaming(model, match);

  const constant = (tensor: Tensor, like: Value | string) => {
    const named = typeof like === 'string';
    const made = addInitializer(graph, named ? like : like.name, tensor);
    constants.push({ made, like: named ? null : like });
    return made;
  };
  const node: Emit['node'] = (opType, inputs, count, options: EmitOptions = {}) => {
    const prefix = base ?? opType;
    const made = addNode(
      graph,
      {
        opType,
        domain: options.domain ?? '',
        name: options.name ?? nameFor(opType),
        inputs: trimmed(inputs).map((v) => (v && 'bytes' in v ? constant(v, `${prefix}/constant`) : v)),
        outputs: Array.from({ length: count }, () => `${prefix}/${opType}`),
        attributes: options.attributes,
      },
      root,
    );
    for (const v of made.outputs) if (v) values.add(v);
    const first = made.outputs[0];
    if (first && options.type) first.type = options.type;
    nodes.push(made);
    return made;
  };
  const single = (opType: string, inputs: Parameters<Emit>[1], options?: EmitOptions) =>
    node(opType, inputs, 1, options).outputs[0]!;
  return {
    emit: Object.assign(single, { node, constant, model, opset: opset(model) }),
    values,
    discard() {
      for (const made of nodes.reverse()) discardNode(made);
      for (const { made } of constants) discardInitializer(graph, made);
    },
    settle: (removed) => settleConstants(model, root.graph, constants, removed),
  };
}

/** Names nodes after those they replace: the same type first, then the innermost; then derived from the root's. */
function nodeNaming(model: Model, { root, nodes }: Match): (opType: string) => string {
  const unclaimed = new Set(nodes.map((n) => n.name));
  return (opType) => {
    const heir =
      nodes.find((n) => n.opType === opType && unclaimed.delete(n.name)) ??
      nodes.find((n) => n.name && unclaimed.delete(n.name));
    if (heir) return heir.name;
    const base = root.name || nodes.find((n) => n.name)?.name;
    return base ? freshName(model.names, `${base}/${opType}`) : '';
  };
}

function settleConstants(
  model: Model,
  graph: Node['graph'],
  constants: readonly MadeConstant[],
  removed: ReadonlySet<Value>,
): void {
  const heirless = new Set(removed);
  if (constants.length > 0) allowPlainInitializers(model);
  for (const { made, like } of constants) {
    if (made.uses.length === 0) discardInitializer(graph, made);
    else if (like && heirless.delete(like)) inheritName(model.names, made, like);
  }
}

/** Without absent inputs at the end. */
function trimmed<T>(inputs: readonly (T | null)[]): readonly (T | null)[] {
  return inputs.slice(0, inputs.findLastIndex((v) => v !== null) + 1);
}
