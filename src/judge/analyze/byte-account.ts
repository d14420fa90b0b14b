/** Every byte of a model's constants in exactly one row: what it is, what it is stored as, and, for what stayed in float,
 *  why. "Unknown" has a row of its own and is never counted as "nothing to do". Pure: reads the graph, runs nothing. */
import { inFloatReason } from '../../compress/pipeline/option-fields.ts';
import { decisionOf, wholeReason } from '../../compress/quant/layers.ts';
import { intAttribute } from '../../model/ir/attribute.ts';
import { type DType, dtypes } from '../../model/ir/dtype.ts';
import { dtypeOf, isOp, type Model, type Node, opKey, readers, type Value } from '../../model/ir/model.ts';
import { weightAt, weightRow } from '../../model/ops/weights.ts';
import { reasonOf } from '../../support/reason.ts';
import { type ConstantFlow, constantFlow, type End } from './constant-ends.ts';
import { type ConstantPlace, constantPlaces } from './constant-places.ts';

/** What bytes are stored as. `palette`: places in a table of shared values; `other`: no weights. */
export type StoredForm = 'int8' | 'int4' | 'int16' | 'palette' | 'float8' | 'float16' | 'float' | 'other';

/** What a constant is to the operators that read it. */
export type ConstantRole =
  | 'weight'
  | 'bias'
  | 'parameter'
  | 'operand'
  | 'attribute'
  | 'unknown'
  | 'output'
  | 'quantizer'
  | 'setting'
  | 'mask'
  | 'table'
  | 'text'
  | 'unused';

export interface ByteRow {
  readonly form: StoredForm;
  readonly role: ConstantRole;
  /** Element types, such as "float32". */
  readonly dtype: string;
  /** Code, then words if needed: why it is in float, or in float16 where that wasn't asked for; of all else only why the
   *  operator that holds it was kept whole. */
  readonly reason: string | null;
  /** Whether somebody who asked for a smaller model would have wanted it to be another way. */
  readonly isUnintended: boolean;
  readonly constants: number;
  /** Numbers that they stand for: two a byte where 4 bits are packed. */
  readonly elements: number;
  readonly bytes: number;
  /** Constants by the operator that reads them, the most frequent first. */
  readonly operators: Record<string, number>;
  /** The largest few. */
  readonly names: string[];
}

export interface ByteAccount {
  /** Of all constants; the sum of the rows. */
  readonly bytes: number;
  /** The largest first. */
  readonly rows: ByteRow[];
  /** What weights were to be stored as; empty: nothing was asked for. */
  readonly asked: string[];
}

/** What was asked for, and what passes said; absent: nothing was, the model is described as it is. */
export interface AccountRequest {
  /** What passes left, as the journal has it. */
  readonly skips: readonly { readonly at: string; readonly reason: string }[];
  /** What weights were to be stored as; empty: nothing was asked for. */
  readonly wanted: readonly string[];
  /** Said where no pass had a word: "4 bits are for matrix products". */
  readonly otherwise: string;
}

/** Reasons that somebody who asked for a smaller model agrees with. */
const intended = new Set([
  'excluded',
  inFloatReason,
  'small-weight',
  'one-number-a-channel',
  'weight-has-1-dimension',
  'empty-weight',
  'needs-float',
  'not-asked-for',
]);

const largestNames = 8;

export function byteAccount(model: Model, request: AccountRequest | null = null): ByteAccount {
  const flow = constantFlow(model);
  const reasons = new Map(request?.skips.map(({ at, reason }) => [at, reason]));
  const entries = constantPlaces(model).map((place) => entryOf(place, flow, request, reasons));
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const key = JSON.stringify([entry.form, entry.role, entry.dtype, entry.reason]);
    const group = groups.get(key);
    if (group) group.push(entry);
    else groups.set(key, [entry]);
  }
  const rows = [...groups.values()].map(rowOf).sort((a, b) => b.bytes - a.bytes);
  const asked = [...(request?.wanted ?? [])];
  return { bytes: rows.reduce((sum, row) => sum + row.bytes, 0), rows, asked };
}

interface Entry {
  readonly place: ConstantPlace;
  readonly form: StoredForm;
  readonly role: ConstantRole;
  readonly dtype: DType;
  readonly reason: string | null;
  /** Not in a form that was asked for. */
  readonly isLeft: boolean;
  readonly elements: number;
  readonly operator: string;
}

const isUnintended = ({ isLeft, reason }: Entry) =>
  isLeft && reason !== null && !intended.has(reasonOf(reason).code);

function rowOf(entries: readonly Entry[]): ByteRow {
  const [{ form, role, dtype, reason }] = entries as [Entry];
  const largest = [...entries].sort((a, b) => b.place.bytes - a.place.bytes);
  const sum = (of: (e: Entry) => number) => entries.reduce((n, e) => n + of(e), 0);
  return {
    form,
    role,
    dtype,
    reason,
    isUnintended: entries.some(isUnintended),
    constants: entries.length,
    elements: sum((e) => e.elements),
    bytes: sum((e) => e.place.bytes),
    operators: counted(entries.map((e) => e.operator)),
    names: largest.slice(0, largestNames).map((e) => e.place.name),
  };
}

function counted(texts: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)));
}

function entryOf(
  place: ConstantPlace,
  flow: ConstantFlow,
  request: AccountRequest | null,
  reasons: ReadonlyMap<string, string>,
): Entry {
  const { end, role } = mainUse(place, flow);
  const form = formOf(place, role, end);
  const operator = end?.node ? opKey(end.node) : place.holder && !place.value ? opKey(place.holder) : 'none';
  const isLeft = form === 'float' || (form === 'float16' && !request?.wanted.includes('float16'));
  return {
    place,
    form,
    role,
    dtype: place.dtype,
    reason: isLeft ? reasonFor({ place, end, role, flow }, request, reasons) : wholeWeight(end, role, flow),
    isLeft,
    elements: place.elements * packedIn(place, end),
    operator,
  };
}

// --- what it is --------------------------------------------------------------------------------------------------

interface MainUse {
  readonly end: End | null;
  readonly role: ConstantRole;
}

/** Where several operators read a constant, the first of these says what it is. */
const precedence: readonly ConstantRole[] = [
  'weight',
  'unknown',
  'operand',
  'parameter',
  'bias',
  'table',
  'output',
  'quantizer',
  'mask',
  'setting',
];

function mainUse(place: ConstantPlace, flow: ConstantFlow): MainUse {
  if (place.isForTraining) return { end: null, role: 'unused' };
  if (place.dtype === 'string') return { end: null, role: 'text' };
  if (place.isSparseIndex) return { end: null, role: 'setting' };
  if (!place.value)
    return { end: null, role: fillers.has(place.holder?.opType ?? '') ? 'setting' : 'attribute' };
  const uses = flow.endsOf(place.value).map((end) => ({ end, role: roleOf(place, end, flow) }));
  const [main] = uses.sort((a, b) => precedence.indexOf(a.role) - precedence.indexOf(b.role));
  return main ?? { end: null, role: 'unused' };
}

/** Operators whose tensors in attributes fill shapes. */
const fillers = new Set(['ConstantOfShape']);

const isIndex = (dtype: DType) => ['int32', 'int64', 'uint32', 'uint64'].includes(dtype);

function roleOf(place: ConstantPlace, end: End, flow: ConstantFlow): ConstantRole {
  const own = end.node ? operandRole(end.node, end.index, place.elements) : 'output';
  if (place.dtype === 'bool') return 'mask';
  if (end.part === 'scale' || end.part === 'zero-point') return 'quantizer';
  if (end.part === 'shape' || end.part === 'mask') return end.part === 'mask' ? 'mask' : 'setting';
  if (end.part === 'table') return place.elements <= 256 ? 'table' : own;
  if (isIndex(place.dtype))
    return own === 'bias' || own === 'quantizer' || own === 'unknown' ? own : 'setting';
  return end.node && isScale(end.node, end, flow) ? 'quantizer' : own;
}

function operandRole(node: Node, index: number, elements: number): ConstantRole {
  const found = weightAt(node, index);
  if (found === 'unknown-operator') return 'unknown';
  if (found === null) return isSetting(node, index) && elements < fewElements ? 'setting' : 'operand';
  if (found.role === 'quantizer' || found.role === 'bias') return found.role;
  return found.role === 'parameter' || found.role === 'statistic' ? 'parameter' : 'weight';
}

/** Limits, sizes, fill values: what an operator reads beside the values that it computes with or hands on. */
function isSetting(node: Node, index: number): boolean {
  const kind = weightRow(node)?.kind;
  return kind === 'no-weights' || (kind === 'moves' && index > 0 && !isOp(node, 'Concat'));
}

/** Scales of integers that are made float while running: of rows looked up in a table, of integer products. */
function isScale(node: Node, { index, value }: End, flow: ConstantFlow): boolean {
  if (isOp(node, 'Mul'))
    return node.inputs.some((v, i) => i !== index && v !== value && isFromIntegers(v, flow));
  if (!isOp(node, 'Gather') || index !== 0) return false;
  const rows = readers(node.outputs[0]!);
  return (
    rows.length > 0 &&
    rows.every(
      (r) => isOp(r, 'Mul') && r.inputs.some((v) => v !== node.outputs[0] && isFromIntegers(v, flow)),
    )
  );
}

const integerProducts = ['MatMulInteger', 'ConvInteger', 'com.microsoft:MatMulInteger16'];

/** A Cast of an integer product, or of integers that were looked up; the scale of a dynamically quantised activation. */
function isFromIntegers(v: Value | null, flow: ConstantFlow): boolean {
  if (!v?.producer) return false;
  if (opKey(v.producer) === 'DynamicQuantizeLinear') return true;
  const source = opKey(v.producer) === 'Cast' ? v.producer.inputs[0]?.producer : null;
  if (!source) return false;
  const table = opKey(source) === 'Gather' ? source.inputs[0] : null;
  return table ? flow.isConstant(table) && isNarrow(table) : integerProducts.includes(opKey(source));
}

function isNarrow(v: Value): boolean {
  const dtype = dtypeOf(v);
  return dtype !== null && dtypes[dtype].kind !== 'float' && dtypes[dtype].bits <= 8;
}

// --- what it is stored as ----------------------------------------------------------------------------------------

const weighty = new Set<ConstantRole>([
  'weight',
  'bias',
  'parameter',
  'operand',
  'attribute',
  'unknown',
  'output',
]);

function formOf(place: ConstantPlace, role: ConstantRole, end: End | null): StoredForm {
  const { bits, kind } = dtypes[place.dtype];
  if (kind === 'float' || kind === 'complex') {
    if (role === 'quantizer' || role === 'table' || role === 'setting') return 'other';
    return bits >= 32 ? 'float' : bits === 16 ? 'float16' : 'float8';
  }
  if (!weighty.has(role) || isIndex(place.dtype) || kind === 'bool' || kind === 'string') return 'other';
  if (end?.part === 'palette') return 'palette';
  const stored = bits / packedIn(place, end);
  return stored >= 16 ? 'int16' : stored >= 8 ? 'int8' : 'int4';
}

/** Weights that share a byte, where an attribute says so. */
function packedIn(place: ConstantPlace, end: End | null): number {
  const isPacked = isOp(end?.node, 'com.microsoft:MatMulNBits', 'com.microsoft:GatherBlockQuantized');
  if (
    !isPacked ||
    place.dtype !== 'uint8' ||
    operandRole(end!.node!, end!.index, place.elements) !== 'weight'
  )
    return 1;
  return 8 / intAttribute(end!.node!, 'bits', 4);
}

// --- why it stayed in float --------------------------------------------------------------------------------------

function reasonFor(
  { place, end, role, flow }: Pick<Entry, 'place' | 'role'> & { end: End | null; flow: ConstantFlow },
  request: AccountRequest | null,
  reasons: ReadonlyMap<string, string>,
): string {
  if (role === 'unknown') return `unknown-operator: edgepress doesn't know what ${opKey(end!.node!)} reads`;
  if (role === 'unused')
    return `unused: ${place.isForTraining ? 'it is for training (training_info)' : 'nothing reads it'}`;
  if (!request || request.wanted.length === 0) return 'not-asked-for';
  if (role === 'bias') return 'one-number-a-channel: biases';
  if (role === 'parameter') return 'needs-float: scales and shifts of normalisations';
  const said = end?.node ? saidOf(end.node, place, reasons, flow) : null;
  if (said) return said;
  if (role === 'attribute')
    return `attribute: no pass reaches into the attributes of ${opKey(place.holder!)}`;
  if (role === 'output') return 'output: it is an output of the model';
  if (place.elements < fewElements) return 'small-weight';
  if (role !== 'operand') return end && end.value !== place.value ? behind(end.value) : request.otherwise;
  return isVector(place)
    ? 'one-number-a-channel'
    : `operand: no pass stores constants of ${opKey(end!.node!)} smaller`;
}

/** Passes see through a Cast, a Transpose and the nodes that expand integers, but not through all that can stand there. */
const behind = (v: Value) =>
  `put-together-by-other-nodes: ${v.producer ? opKey(v.producer) : 'a subgraph'} hands it to the operator`;

/** Less than this costs a file no more than the nodes that would expand it. */
const fewElements = 342;

const isVector = ({ tensor }: ConstantPlace) => (tensor?.dims ?? []).filter((d) => d > 1).length <= 1;

const wholeWeight = (end: End | null, role: ConstantRole, flow: ConstantFlow): string | null =>
  end?.node && role === 'weight' ? whyWhole(end.node, flow) : null;

/** Why an operator, or a call around it, was kept whole. */
function whyWhole(node: Node, flow: ConstantFlow): string | null {
  const nodes = [node, ...flow.callsAround(node)];
  return nodes.map(wholeReason).find((reason) => reason !== undefined) ?? null;
}

/** What the user, a pass that opens operators, the last pass that could have acted, or the plan said of the node or the constant. */
function saidOf(
  node: Node,
  place: ConstantPlace,
  reasons: ReadonlyMap<string, string>,
  flow: ConstantFlow,
): string | null {
  const own = saidAt(node, place, reasons);
  return own === 'excluded' ? own : (whyWhole(node, flow) ?? own);
}

function saidAt(node: Node, place: ConstantPlace, reasons: ReadonlyMap<string, string>): string | null {
  const names = [place.name, node.name, ...node.outputs.map((v) => v?.name ?? '')];
  for (const name of names) if (name !== '' && reasons.has(name)) return reasons.get(name)!;
  const decision = decisionOf(node);
  return decision?.precision === 'float' ? decision.reason : null;
}
