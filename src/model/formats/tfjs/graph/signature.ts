/** Public inputs and outputs of a graph-model, and their names.
 *  Source: tfjs-converter src/executor/graph_model.ts, graph_executor.ts. */
import { z } from 'zod';
import { outputUnknown } from '../../../../support/diagnostics/graph.ts';
import { tfjsMalformed, tfjsNoOutputs } from '../../../../support/diagnostics/tfjs.ts';
import { shapeOf, typeNameOf } from './attributes.ts';
import type { GraphDef, Source } from './graph-def.ts';

export interface PublicInput {
  readonly name: string;
  readonly node: string;
  /** "DT_FLOAT"; null where nothing says it. */
  readonly typeName: string | null;
  /** −1 for open sizes; null for an unknown rank. */
  readonly shape: readonly number[] | null;
}

export interface PublicOutput {
  readonly name: string;
  readonly source: Source;
}

export interface Signature {
  readonly inputs: readonly PublicInput[];
  readonly outputs: readonly PublicOutput[];
  /** Nodes that stand for hash tables, which no caller gives, by the number that the initializer has for them. */
  readonly captured: ReadonlyMap<string, string>;
}

const entrySchema = z.object({
  name: z.string().nullish(),
  dtype: z.union([z.string(), z.number()]).nullish(),
  tensorShape: z.unknown().optional(),
  /** A captured hash table, which no caller gives. */
  resourceId: z.unknown().optional(),
});

const signatureSchema = z.object({
  inputs: z.record(z.string().min(1), entrySchema).nullish(),
  outputs: z.record(z.string().min(1), entrySchema).nullish(),
});

type Entry = z.infer<typeof entrySchema>;

/** @throws TFJS_MALFORMED, TFJS_NO_OUTPUTS */
export function readSignature(raw: unknown, graph: GraphDef, file: string): Signature {
  const parsed = signatureSchema.safeParse(raw ?? {});
  if (!parsed.success) throw tfjsMalformed(file, `its signature: ${parsed.error.issues[0]!.message}`);
  const all = Object.entries(parsed.data.inputs ?? {});
  const inputs = all.filter(([, entry]) => entry.resourceId == null);
  const captured = all.filter(([, entry]) => entry.resourceId != null);
  const outputs = Object.entries(parsed.data.outputs ?? {});
  const named = outputs.map(([name, entry]) => ({ name, source: sourceOf(name, entry, graph, file) }));
  const found = {
    inputs: inputs.map(([name, entry]) => inputOf(name, entry, graph, file)),
    outputs: named.length > 0 ? named : leavesOf(graph),
    captured: new Map(
      captured.map(([name, entry]) => [String(entry.resourceId), sourceOf(name, entry, graph, file).node]),
    ),
  };
  if (found.outputs.length === 0) throw tfjsNoOutputs(file);
  return found;
}

/** What a caller wants as outputs instead: public names, and values as "node" or "node:1".
 *  @throws OUTPUT_UNKNOWN */
export const chosenOutputs = (
  names: readonly string[],
  { outputs }: Pick<Signature, 'outputs'>,
  graph: GraphDef,
): PublicOutput[] =>
  names.map((name) => {
    const known = outputs.find((output) => output.name === name);
    const [node, port = '0'] = name.split(':');
    if (known) return known;
    if (!graph.nodes.has(node!) || !/^\d+$/.test(port)) throw outputUnknown(name, [...graph.nodes.keys()]);
    return { name, source: { node: node!, port: Number(port) } };
  });

/** Every placeholder, where no signature names the inputs. */
export const placeholderInput = (graph: GraphDef, name: string): PublicInput => {
  const { attributes } = graph.nodes.get(name)!;
  return { name, node: name, typeName: attributes.typeName('dtype'), shape: attributes.shape('shape') };
};

function sourceOf(name: string, entry: Entry, graph: GraphDef, file: string): Source {
  const [node, port = '0'] = (entry.name ?? name).split(':');
  if (!graph.nodes.has(node!) || !/^\d+$/.test(port))
    throw tfjsMalformed(file, `its signature calls "${entry.name}" the value of "${name}", which it has not`);
  return { node: node!, port: Number(port) };
}

function inputOf(name: string, entry: Entry, graph: GraphDef, file: string): PublicInput {
  const { node } = sourceOf(name, entry, graph, file);
  const own = placeholderInput(graph, node);
  const shape = shapeOf(entry.tensorShape, () => tfjsMalformed(file, `the shape of input "${name}"`));
  return {
    name,
    node,
    typeName: own.typeName ?? typeNameOf(entry.dtype),
    shape: shape ?? own.shape,
  };
}

/** What computes nothing is no output. */
const silent = new Set(['NoOp', 'Const', 'Placeholder', 'Assert']);

const leavesOf = ({ leaves, nodes }: GraphDef): PublicOutput[] =>
  leaves
    .filter((name) => !silent.has(nodes.get(name)!.op))
    .map((name) => ({ name, source: { node: name, port: 0 } }));
