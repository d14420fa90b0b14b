/** What each input and output of a decoder's graph is for, from names, types and shapes: the naming of
 *  transformers.js and Optimum exports first, then what is left over. */
import { dtypes } from '../../model/ir/dtype.ts';
import type { Port } from '../../model/ir/port.ts';
import { formatShape, type Shape } from '../../model/ir/type.ts';
import { decoderInputUnknown, notADecoder } from '../../support/diagnostics/generation.ts';

/** A tensor that a run gives and the next run takes. */
export interface State {
  readonly input: Port;
  readonly output: string;
  /** 'cache' grows by a position a token, 'recurrent' keeps its shape, 'encoder' is computed in the first run and
   *  kept. */
  readonly kind: 'cache' | 'recurrent' | 'encoder';
}

export interface DecoderPorts {
  readonly tokens: Port;
  readonly logits: Port;
  readonly mask: Port | null;
  readonly positions: Port | null;
  readonly tokenTypes: Port | null;
  /** What an encoder wrote, to be read; or, where the graph holds the encoder, too, the ids that it reads. */
  readonly encoderStates: Port | null;
  readonly source: Port | null;
  readonly encoderMask: Port | null;
  /** Merged exports: whether the past is to be read. */
  readonly useCache: Port | null;
  /** Exports that can leave out the logits of all positions but the last few. */
  readonly logitsKept: Port | null;
  readonly states: readonly State[];
}

/** What a graph takes and gives. */
export interface GraphPorts {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

const cacheInput = /^past(?:_key_values?)?[._](\d+)[._](?:(decoder|encoder)[._])?(key|value|k|v)$/;

/** Names of logits, and of what has the same shape but is none. */
const scores = /logits|scores/i;
const noScores = /hidden|embed|encoder/i;

type Roles = readonly (readonly [keyof DecoderPorts, RegExp])[];

/** What masks are for depends on whose input_ids are: an encoder's, where the decoder has its own. */
const masks: Roles = [
  ['encoderMask', /^encoder_attention_mask$/],
  ['mask', /^(decoder_)?attention_mask$/],
];
const masksOfBoth: Roles = [
  ['source', /^input_ids$/],
  ['encoderMask', /^attention_mask$/],
  ['mask', /^decoder_attention_mask$/],
];

const roles: Roles = [
  ['positions', /^(decoder_)?position(_id)?s$/],
  ['tokenTypes', /^token_type_ids$/],
  ['encoderStates', /^(encoder_hidden_states?|encoder_outputs?|memory)$/],
  ['useCache', /^use_cache_branch$/],
  ['logitsKept', /^num_logits_to_keep$/],
];

export const describePorts = (ports: readonly Port[]) =>
  ports.map((p) => `"${p.name}" ${p.dtype} ${formatShape(p.shape)}`);

const isInteger = (p: Port) => p.dtype === 'int64' || p.dtype === 'int32';
const isFloat = (p: Port) => dtypes[p.dtype].kind === 'float';

/** @throws NOT_A_DECODER without token ids or logits; DECODER_INPUT_UNKNOWN for an input that nothing feeds */
export function decoderPorts({ inputs, outputs }: GraphPorts): DecoderPorts {
  const found: Partial<Record<keyof DecoderPorts, Port>> = {};
  const both = ['input_ids', 'decoder_input_ids'].every((name) => inputs.some((p) => p.name === name));
  for (const [role, pattern] of [...(both ? masksOfBoth : masks), ...roles]) {
    const port = inputs.find((p) => pattern.test(p.name));
    if (port) found[role] = port;
  }
  const rest = inputs.filter((p) => !Object.values(found).includes(p));
  const tokens = tokensPort(rest);
  const fail = (missing: string) => notADecoder(describePorts(inputs), describePorts(outputs), missing);
  if (!tokens) throw fail('an input of token ids (integers, [batch, tokens])');
  const others = rest.filter((p) => p !== tokens);
  const states = matchStates(
    others,
    outputs.filter((p) => !scores.test(p.name)),
  );
  const fed = new Set(states.map((s) => s.output));
  const logits = logitsPort(outputs.filter((p) => !fed.has(p.name)));
  if (!logits) throw fail('an output of logits (float, [batch, tokens, vocabulary])');
  const unknown = others.filter((p) => !states.some((s) => s.input === p));
  if (unknown.length > 0) throw decoderInputUnknown(describePorts(unknown));
  const optional = (role: keyof DecoderPorts) => found[role] ?? null;
  return {
    tokens,
    logits,
    mask: optional('mask'),
    positions: optional('positions'),
    tokenTypes: optional('tokenTypes'),
    encoderStates: optional('encoderStates'),
    source: optional('source'),
    encoderMask: optional('encoderMask'),
    useCache: optional('useCache'),
    logitsKept: optional('logitsKept'),
    states,
  };
}

/** The input of token ids: named so, or the only one of integers with two dimensions. */
export function tokensPort(inputs: readonly Port[]): Port | null {
  const fitting = inputs.filter((p) => isInteger(p) && p.shape?.length === 2 && !cacheInput.test(p.name));
  const named = fitting.find((p) => /^((decoder_)?input_ids|idx|ids|tokens?)$/.test(p.name));
  return named ?? (fitting.length === 1 ? fitting[0]! : null);
}

/** Scores of classes, [batch, classes], are not meant: a classifier reads tokens, too. */
function logitsPort(outputs: readonly Port[]): Port | null {
  const fitting = outputs.filter(
    (p) => isFloat(p) && (p.shape === null || p.shape.length === 3) && !noScores.test(p.name),
  );
  return fitting.find((p) => scores.test(p.name)) ?? (fitting.length === 1 ? fitting[0]! : null);
}

export function matchStates(inputs: readonly Port[], outputs: readonly Port[]): State[] {
  const free = new Set(outputs.map((p) => p.name));
  const states: State[] = [];
  for (const input of inputs) {
    const output = presentOf(input.name, free) ?? namedAfter(input, inputs, outputs, free);
    if (output === null) continue;
    free.delete(output);
    states.push({ input, output, kind: stateKind(input) });
  }
  return states;
}

function stateKind({ name }: Port): State['kind'] {
  const match = cacheInput.exec(name);
  if (!match) return 'recurrent';
  return match[2] === 'encoder' ? 'encoder' : 'cache';
}

/** past_key_values.0.key → present.0.key (present_key_values.0.key, present.0.decoder.key …). */
function presentOf(name: string, outputs: ReadonlySet<string>): string | null {
  const match = cacheInput.exec(name);
  if (!match) return null;
  const wanted = match.slice(1).join('/');
  const pattern = /^present(?:_key_values?)?[._](\d+)[._](?:(decoder|encoder)[._])?(key|value|k|v)$/;
  for (const output of outputs) if (pattern.exec(output)?.slice(1).join('/') === wanted) return output;
  return null;
}

/** A state's output has its type and shape, and its name but for words such as "out" or "next"; where no name fits,
 *  the only output of that type and shape will do. */
function namedAfter(
  input: Port,
  inputs: readonly Port[],
  outputs: readonly Port[],
  free: ReadonlySet<string>,
): string | null {
  const alike = (p: Port) => p.dtype === input.dtype && fitsShape(p.shape, input.shape);
  const fitting = outputs.filter((p) => free.has(p.name) && alike(p));
  const stem = stemOf(input.name);
  // Of "input" and "output" nothing is left: they say only which side they are on.
  const named = stem === '' ? [] : fitting.filter((p) => stemOf(p.name) === stem);
  if (named.length === 1) return named[0]!.name;
  const same = (p: Port) => p.dtype === input.dtype && sameShape(p.shape, input.shape);
  const only = outputs.filter((p) => free.has(p.name) && same(p));
  return inputs.filter(same).length === 1 && only.length === 1 ? only[0]!.name : null;
}

/** Whether a state's output is called after it. */
export const isNamedAlike = ({ input, output }: State): boolean => stemOf(input.name) === stemOf(output);

/** "h0_out", "out_h0", "next.h0" → "h0". */
function stemOf(name: string): string {
  const words = name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  const kept = words.filter(
    (w) => !/^(in|out|input|output|new|next|prev|previous|past|present|initial|final|n)?$/.test(w),
  );
  return kept.join('_');
}

/** Equal, names of open dimensions aside. */
const sameShape = (a: Shape | null, b: Shape | null) =>
  a !== null &&
  b !== null &&
  a.length === b.length &&
  a.every((d, i) => (typeof d === 'number' ? d === b[i] : typeof b[i] !== 'number'));

/** Sizes that are known of both are equal. */
const fitsShape = (a: Shape | null, b: Shape | null) =>
  a === null ||
  b === null ||
  (a.length === b.length &&
    a.every((d, i) => typeof d !== 'number' || typeof b[i] !== 'number' || d === b[i]));
