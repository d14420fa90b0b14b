/** What a layer is called with: Keras 2's [name, call, output, settings] and Keras 3's tensors with their history.
 *  Source: tfjs-layers src/engine/container.ts, fromConfig; keras src/models/functional.py, deserialize_node. */
import { z } from 'zod';
import { tfjsNetworkInvalid } from '../../../../support/diagnostics/tfjs-layers.ts';
import { shown } from './config.ts';

/** An output of a call of a layer. */
export interface Reference {
  readonly layer: string;
  readonly call: number;
  readonly output: number;
}

export interface Call {
  readonly inputs: readonly Reference[];
  /** Where a recurrent layer starts, when that is named apart from the inputs. */
  readonly states: readonly Reference[];
}

const index = z.number().int().nonnegative();
const referenceSchema = z
  .tuple([z.string(), index, index], z.unknown())
  .transform(([layer, call, output]): Reference => ({ layer, call, output }));

/** A tensor of Keras 3. */
const tensorSchema = z.object({
  class_name: z.literal('__keras_tensor__'),
  config: z.object({ keras_history: referenceSchema }),
});

const settingsSchema = z.object({ initial_state: z.unknown() }).partial();

const keras3Schema = z.object({
  args: z.array(z.unknown()),
  kwargs: z.record(z.string(), z.unknown()).nullish(),
});

/** @param where  for messages. @throws TFJS_NETWORK_INVALID */
export function readReference(value: unknown, where: string): Reference {
  const parsed = referenceSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw tfjsNetworkInvalid(where, `${shown(value)} is not [layer, call, output]`);
}

/** @param nodes  the `inbound_nodes`; one of them a call */
export const readCalls = (nodes: readonly unknown[], where: string): Call[] =>
  nodes.map((node) => (Array.isArray(node) ? keras2Call(node, where) : keras3Call(node, where)));

/** Old files leave out the list around a single input. */
function keras2Call(node: readonly unknown[], where: string): Call {
  const entries = typeof node[0] === 'string' ? [node] : node;
  const settings = entries.flatMap((entry) =>
    Array.isArray(entry) ? (settingsSchema.safeParse(entry[3] ?? {}).data ?? []) : [],
  );
  return {
    inputs: entries.map((entry) => readReference(entry, where)),
    states: settings.flatMap(({ initial_state }) => references(initial_state, where)),
  };
}

/** [layer, call, output] or a list of them; nothing for null. */
function references(value: unknown, where: string): Reference[] {
  if (!Array.isArray(value)) return [];
  return typeof value[0] === 'string'
    ? [readReference(value, where)]
    : value.map((v) => readReference(v, where));
}

function keras3Call(node: unknown, where: string): Call {
  const parsed = keras3Schema.safeParse(node);
  if (!parsed.success) throw tfjsNetworkInvalid(where, 'an inbound node has no list of args');
  const { args, kwargs } = parsed.data;
  return { inputs: tensors(args), states: tensors(kwargs?.['initial_state']) };
}

/** All tensors of arguments, in their order; lists of them count as if written out. */
function tensors(value: unknown): Reference[] {
  const values = Array.isArray(value) ? value.flat(2) : [value];
  return values.flatMap((v) => tensorSchema.safeParse(v).data?.config.keras_history ?? []);
}
