/** Writes a call of a model's own function out: the function's nodes take the call's place. */
import { Diagnostic } from '../../support/diagnostics.ts';
import { cloneGraph, copyContent } from '../ir/clone.ts';
import { addNode, releaseOutput, removeNode, setInput, setOutputs } from '../ir/edit.ts';
import type { Graph, Model, ModelFunction, Node, Value } from '../ir/model.ts';
import { freshName } from '../ir/names.ts';
import type { ValueType } from '../ir/type.ts';
import { withSubgraphs } from '../ir/walk.ts';
import { inferShapes } from '../ops/shapes.ts';
import { labelOf } from './apply.ts';
import { upgradeGraph } from './opset/upgrade.ts';

/** Puts the body of `fn` in place of `call`. Inputs and outputs that the call leaves out are left out in the body; the
 *  function's attributes take the call's values, else their defaults; new names start with the call's. The body is brought
 *  to the model's version of ai.onnx.
 *  @returns null when done, else why the call stays as it is; the model is then unchanged */
export function inlineCall(model: Model, call: Node, fn: ModelFunction): string | null {
  const obstacle = versionObstacle(model, fn) ?? shapeObstacle(call, fn);
  if (obstacle) return obstacle;
  const body = cloneGraph(fn.graph, model.names);
  resolveAttributes(body, attributesOf(call, fn));
  if (!dropAbsentInputs(body, call)) return 'function-hands-on-an-absent-input';
  ownOutputs(body);
  rename(body, labelOf(call), model);
  const refusal = adapt(model, body, call, fn);
  if (refusal) return refusal;
  for (const [domain, version] of fn.opsets)
    if (domain !== '' && domain !== 'ai.onnx' && !model.opsets.has(domain)) model.opsets.set(domain, version);
  place(body, call);
  return null;
}

const onnx = (opsets: ReadonlyMap<string, number>) => opsets.get('') ?? opsets.get('ai.onnx');

/** Versions of other domains have no adaptations; an ai.onnx newer than the model's can't be taken back. */
function versionObstacle(model: Model, fn: ModelFunction): string | null {
  for (const [domain, version] of fn.opsets) {
    if (domain === '' || domain === 'ai.onnx') continue;
    const own = model.opsets.get(domain);
    if (own !== undefined && own !== version)
      return `function-needs-${domain}-${version}: the model has ${own}`;
  }
  const [inner, outer] = [onnx(fn.opsets), onnx(model.opsets)];
  return inner !== undefined && outer !== undefined && inner > outer
    ? `function-needs-opset-${inner}: the model has ${outer}`
    : null;
}

const shapeObstacle = (call: Node, fn: ModelFunction) =>
  call.outputs.length > fn.graph.outputs.length || call.inputs.length > fn.graph.inputs.length
    ? 'call-does-not-fit-its-function'
    : null;

const attributesOf = (call: Node, fn: ModelFunction): Node['attributes'] =>
  new Map([...fn.attributeDefaults, ...call.attributes]);

/** Puts values in place of references to attributes of the function; one that nobody gives is left out. */
function resolveAttributes(body: Graph, given: Node['attributes']): void {
  for (const graph of withSubgraphs(body))
    for (const node of graph.nodes)
      for (const [name, a] of [...node.attributes]) {
        if (a.type !== 'reference') continue;
        const value = given.get(a.name);
        if (!value) node.attributes.delete(name);
        else if (value.type === 'graph')
          node.attributes.set(name, { type: 'graph', value: cloneGraph(value.value, body.names) });
        else node.attributes.set(name, value);
      }
}

/** Leaves inputs that the call doesn't give out of the body; false where one of them is an output. */
function dropAbsentInputs(body: Graph, call: Node): boolean {
  for (const [i, v] of body.inputs.entries()) {
    if (call.inputs[i]) continue;
    for (const use of [...v.uses]) {
      if (!use.node) return false;
      setInput(use.node, use.index, null);
    }
  }
  return true;
}

/** Gives every output a node of its own: an input that is handed on, a constant, and what stands there twice pass through an
 *  Identity, since a call's outputs are made by nodes. */
function ownOutputs(body: Graph): void {
  const seen = new Set<Value>();
  const outputs = body.outputs.map((v) => {
    const own = v.producer?.graph === body && !seen.has(v);
    seen.add(v);
    return own ? v : (addNode(body, { opType: 'Identity', inputs: [v] }).outputs[0] as Value);
  });
  setOutputs(body, outputs);
}

/** Brings the body to the model's version of ai.onnx, with the types that it has in this call.
 *  @returns why it can't be done */
function adapt(model: Model, body: Graph, call: Node, fn: ModelFunction): string | null {
  const [from, to] = [onnx(fn.opsets), onnx(model.opsets)];
  if (from === undefined || to === undefined || from === to) return null;
  if (call.inputs.some((v) => v && !v.type)) inferShapes(model);
  body.inputs.forEach((v, i) => {
    v.type = call.inputs[i]?.type ?? null;
  });
  const opsets = new Map(fn.opsets);
  inferShapes({ ...model, graph: body, opsets });
  try {
    upgradeGraph(body, opsets, to);
    return null;
  } catch (error) {
    if (error instanceof Diagnostic && error.code === 'UPGRADE_UNSUPPORTED')
      return `function-has-no-newer-form: ${error.message}`;
    throw error;
  }
}

/** A symbol of the function's own file means something in that function only. */
const withoutSymbols = (type: ValueType | null): ValueType | null =>
  type?.kind === 'tensor' && type.shape
    ? { ...type, shape: type.shape.map((d) => (typeof d === 'number' ? d : null)) }
    : type;

/** Names everything in the body after the call. */
function rename(body: Graph, prefix: string, model: Model): void {
  const fresh = (name: string) => freshName(model.names, `${prefix}/${name}`);
  for (const graph of withSubgraphs(body)) {
    const made = graph.nodes.flatMap((n) => n.outputs.filter((v) => v !== null));
    for (const v of new Set([...graph.inputs, ...graph.initializers, ...made])) {
      v.name = fresh(v.name);
      v.type = withoutSymbols(v.type);
    }
    for (const node of graph.nodes) if (node.name) node.name = fresh(node.name);
  }
}

/** Copies the body to where the call stands, and removes the call. */
function place(body: Graph, call: Node): void {
  const { graph } = call;
  const known = new Map<Value, Value>();
  body.inputs.forEach((v, i) => {
    const given = call.inputs[i];
    if (given) known.set(v, given);
  });
  body.outputs.forEach((v, i) => {
    const made = i < call.outputs.length ? releaseOutput(call, i) : null;
    if (made) known.set(v, made);
  });
  const end = graph.nodes.length;
  copyContent(body, graph, known, (name) => name);
  const added = graph.nodes.splice(end);
  graph.nodes.splice(graph.nodes.indexOf(call), 0, ...added);
  removeNode(call);
}
