/** The graph of a TensorFlow.js graph-model as typed nodes: TensorFlow's GraphDef in protobuf's JSON form.
 *  Source: tfjs-converter src/operations/operation_mapper.ts; tensorflow core/framework/graph.proto, function.proto. */
import { z } from 'zod';
import { tfjsMalformed } from '../../../../support/diagnostics/tfjs.ts';
import { listOf } from '../limits.ts';
import { type Attributes, attributesOf } from './attributes.ts';

/** Where a node's input comes from. */
export interface Source {
  readonly node: string;
  readonly port: number;
}

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** Without control edges: they only say what runs first, and nothing here has an effect. */
  readonly inputs: readonly Source[];
  readonly attributes: Attributes;
}

export interface GraphFunction {
  readonly name: string;
  readonly nodes: ReadonlyMap<string, GraphNode>;
  /** Names of its arguments, which its nodes read like nodes. */
  readonly inputs: readonly string[];
  readonly outputs: readonly Source[];
}

export interface GraphDef {
  readonly nodes: ReadonlyMap<string, GraphNode>;
  readonly functions: ReadonlyMap<string, GraphFunction>;
  /** Nodes that no other node reads, not even as a control edge: the outputs where no signature names any. */
  readonly leaves: readonly string[];
}

const nodeSchema = z.object({
  name: z.string().min(1),
  op: z.string(),
  input: z.array(z.string()).nullish(),
  attr: z.record(z.string(), z.unknown()).nullish(),
});

const argumentSchema = z.object({ name: z.string() });

const functionSchema = z.object({
  signature: z.object({
    name: z.string(),
    inputArg: z.array(argumentSchema).nullish(),
    outputArg: z.array(argumentSchema).nullish(),
  }),
  nodeDef: listOf(nodeSchema).nullish(),
  ret: z.record(z.string(), z.string()).nullish(),
});

const graphSchema = z.object({
  node: listOf(nodeSchema).nullish(),
  library: z.object({ function: listOf(functionSchema).nullish() }).nullish(),
});

type RawNode = z.infer<typeof nodeSchema>;

/** @throws TFJS_MALFORMED */
export function parseGraphDef(topology: unknown, file: string): GraphDef {
  const parsed = graphSchema.safeParse(topology);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw tfjsMalformed(file, `modelTopology.${issue!.path.join('.')}: ${issue!.message}`);
  }
  const raw = parsed.data.node ?? [];
  const functions = (parsed.data.library?.function ?? []).map((f) => parseFunction(f, file));
  const read = new Set(raw.flatMap((node) => (node.input ?? []).map((input) => nodeNameOf(input))));
  return {
    nodes: nodesOf(raw, new Set(), file),
    functions: new Map(functions.map((f) => [f.name, f])),
    leaves: raw.filter((node) => !read.has(node.name)).map((node) => node.name),
  };
}

function parseFunction(raw: z.infer<typeof functionSchema>, file: string): GraphFunction {
  const { signature } = raw;
  const inputs = (signature.inputArg ?? []).map((argument) => argument.name);
  const nodes = nodesOf(raw.nodeDef ?? [], new Set(inputs), `${file}, function "${signature.name}"`);
  const outputs = (signature.outputArg ?? []).map(({ name }) => {
    const from = raw.ret && Object.hasOwn(raw.ret, name) ? raw.ret[name] : undefined;
    if (from === undefined)
      throw tfjsMalformed(file, `function "${signature.name}" does not say what its output "${name}" is`);
    return sourceOf(from, nodes, new Set(inputs), file);
  });
  return { name: signature.name, nodes, inputs, outputs };
}

function nodesOf(raw: readonly RawNode[], given: ReadonlySet<string>, file: string) {
  const byName = new Map<string, RawNode>();
  for (const node of raw) {
    if (byName.has(node.name)) throw tfjsMalformed(file, `it has two nodes "${node.name}"`);
    byName.set(node.name, node);
  }
  const nodes = new Map<string, GraphNode>();
  for (const { name, op, input, attr } of raw)
    nodes.set(name, {
      name,
      op,
      inputs: (input ?? [])
        .filter((text) => !text.startsWith('^'))
        .map((text) => sourceOf(text, byName, given, `${file}, ${op} "${name}"`)),
      attributes: attributesOf(attr ?? {}, `${op} "${name}"`),
    });
  return nodes;
}

/** Outputs that functions name, in order of their ports. Source: tfjs-converter op_list, `outputs`. */
const portNames: Readonly<Record<string, readonly string[]>> = {
  FusedBatchNormV3: ['y', 'batch_mean', 'batch_variance', 'reserve_space_1', 'reserve_space_2'],
  TopKV2: ['values', 'indices'],
  Unique: ['y', 'idx'],
  UniqueV2: ['y', 'idx'],
  Switch: ['output_false', 'output_true'],
  NonMaxSuppressionV4: ['selected_indices', 'valid_outputs'],
  NonMaxSuppressionV5: ['selected_indices', 'selected_scores', 'valid_outputs'],
};

const nodeNameOf = (text: string) => text.replace(/^\^/, '').split(':')[0]!;

/** "name", "name:1", and in functions "name:argument:1". */
function sourceOf(
  text: string,
  nodes: ReadonlyMap<string, { readonly op: string }>,
  given: ReadonlySet<string>,
  where: string,
): Source {
  const [node, second, third] = text.split(':');
  const producer = nodes.get(node!);
  if (!producer && !given.has(node!))
    throw tfjsMalformed(where, `nothing is called "${node}", which it reads`);
  if (second === undefined) return { node: node!, port: 0 };
  if (third === undefined && /^\d+$/.test(second)) return { node: node!, port: Number(second) };
  const ports = producer && Object.hasOwn(portNames, producer.op) ? portNames[producer.op]! : [];
  const named = ports.indexOf(second);
  if (named < 0 && third !== undefined && !/^\d+$/.test(third))
    throw tfjsMalformed(where, `"${text}", which it reads, names no output`);
  return { node: node!, port: named >= 0 ? named : Number(third ?? 0) };
}
