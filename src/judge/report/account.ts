/** The account of bytes as the report has it, and its words. */
import { z } from 'zod';
import { reasonOf, reasonWords } from '../../support/reason.ts';
import { formatBytes, formatInteger, formatPercent } from '../../support/units.ts';

const roles = {
  weight: 'weights',
  bias: 'biases',
  parameter: 'parameters of normalisations and the like',
  operand: 'constants that activations are computed with',
  attribute: 'weights in attributes',
  unknown: 'read by an operator that edgepress does not know',
  output: 'outputs of the model',
  quantizer: 'scales and zero points',
  setting: 'shapes, indices, limits',
  mask: 'masks',
  table: 'tables of shared values',
  text: 'text',
  unused: 'read by nothing',
} as const;

const forms = {
  int8: 'int8',
  int4: '4 bits',
  int16: 'int16',
  palette: 'shared values',
  float8: 'float8',
  float16: 'float16',
  float: 'float',
  other: 'no weights',
} as const;

const rowSchema = z.object({
  /** What the bytes are stored as. palette: places in a table of shared values; other: no weights. */
  form: z.enum(Object.keys(forms) as [keyof typeof forms]),
  /** What they are to the operators that read them. */
  role: z.enum(Object.keys(roles) as [keyof typeof roles]),
  dtype: z.string(),
  /** Why they are in float, or in float16 where that wasn't asked for; of all others only why the operator that holds them was
   *  kept whole. A code, then words if needed. */
  reason: z.string().nullable(),
  /** Whether the request would have had it another way. */
  isUnintended: z.boolean(),
  constants: z.number(),
  /** Numbers that they stand for. */
  elements: z.number(),
  bytes: z.number(),
  /** Constants by the operator that reads them. */
  operators: z.record(z.string(), z.number()),
  /** The largest few. */
  names: z.array(z.string()),
});

/** Every byte of the result's constants in one row. */
export const accountSchema = z.object({
  /** The sum of the rows. */
  bytes: z.number(),
  rows: z.array(rowSchema),
  /** What weights were to be stored as; empty: nothing was asked for. */
  asked: z.array(z.string()),
});

export type Account = z.infer<typeof accountSchema>;
export type AccountRow = z.infer<typeof rowSchema>;

export const roleName = (row: AccountRow): string => roles[row.role];
export const formName = (row: AccountRow): string => forms[row.form];

/** What a row is stored as, with its type where that doesn't say it: "int8", "int8 (uint8)", "float32". Rows that are alike
 *  in the rest differ in it. */
export function storedAs(row: AccountRow): string {
  const name = formName(row);
  if (row.form === 'other' || row.form === 'float' || row.dtype === name) return row.dtype;
  return row.form === 'int4' && row.dtype === 'int4' ? name : `${name} (${row.dtype})`;
}

/** "3 of Conv, 1 of Gemm": constants are counted, not nodes; an operator may read several. */
export const operatorsOf = ({ operators }: AccountRow): string =>
  Object.entries(operators)
    .map(([op, n]) => (op === 'none' ? formatInteger(n) : `${formatInteger(n)} of ${op}`))
    .join(', ');

/** What counts as weights: everything but shapes, scales of integers, masks and text. */
const isWeighty = ({ role }: AccountRow) =>
  !['quantizer', 'setting', 'mask', 'table', 'text', 'unused'].includes(role);

const isMatrix = (row: AccountRow) => isWeighty(row) && row.role !== 'bias' && row.role !== 'parameter';

/** Too few bytes for a line in a terminal; in the report they stand. */
const isTiny = (row: AccountRow, { bytes }: Account) => row.bytes < 0.005 * bytes;

/** Rows of weights in float (or in float16, unasked) with the reason, those that matter most first. Biases and the like are
 *  not among them. */
export const leftInFloat = ({ rows, asked }: Account): AccountRow[] =>
  rows
    .filter((row) => row.form === 'float' || (row.form === 'float16' && !asked.includes('float16')))
    .filter((row) => row.reason !== null && isMatrix(row))
    .sort((a, b) => Number(b.isUnintended) - Number(a.isUnintended) || b.bytes - a.bytes);

/** Share of the weights that the request would have had in another form; a fraction of their number. */
export function unintendedShare({ rows }: Account): number {
  const total = sum(rows.filter(isWeighty), 'elements');
  return total === 0
    ? 0
    : sum(
        rows.filter((row) => row.isUnintended && isWeighty(row)),
        'elements',
      ) / total;
}

const sum = (rows: readonly AccountRow[], what: 'elements' | 'bytes') =>
  rows.reduce((n, row) => n + row[what], 0);

/** "3 of Conv, 1.2 MB: no integer kernel"; the type where it isn't float32. */
export const leftText = (row: AccountRow): string =>
  `${operatorsOf(row)}, ${formatBytes(row.bytes)}${row.dtype === 'float32' || row.reason === null ? '' : ` ${row.dtype}`}: ${row.reason === null ? `${formName(row)} already` : reasonWords(row.reason)}`;

/** What a model holds as it is, a line a row: "197 kB float32 weights: 9 of Conv, 1 of Gemm". */
export const holdingLines = (account: Account): string[] =>
  account.rows.length === 0
    ? ['no constants']
    : account.rows.map(
        (row) => `${formatBytes(row.bytes)} ${row.dtype} ${roleName(row)}: ${operatorsOf(row)}`,
      );

/** Lines for a terminal: what was left in float against or with the request, and why; none where nothing was asked for. */
export const leftLines = (account: Account): string[] =>
  account.asked.length === 0
    ? []
    : leftInFloat(account).flatMap((r) => (isTiny(r, account) ? [] : leftText(r)));

/** "1.20 MB int8 · 30 kB float · 12 kB scales and zero points": forms of weights, then what is no weight, each once. */
export function accountLine({ rows }: Account): string {
  const groups = new Map<string, number>();
  const sorted = [...rows].sort((a, b) => Number(a.form === 'other') - Number(b.form === 'other'));
  for (const row of sorted) {
    const name = row.form === 'other' ? roleName(row) : formName(row);
    groups.set(name, (groups.get(name) ?? 0) + row.bytes);
  }
  return [...groups].map(([name, bytes]) => `${formatBytes(bytes)} ${name}`).join(' · ');
}

/** Why none of the weights could become smaller, the largest first; what the constants are where none is a weight. */
export function keptTexts(account: Account): string[] {
  const weights = account.rows.filter((row) => isMatrix(row) && !isTiny(row, account));
  if (weights.length === 0)
    return account.rows.map((row) => `${formatBytes(row.bytes)} ${roleName(row)}`).slice(0, mostKept);
  const rest = weights.length > mostKept ? [`and ${weights.length - mostKept} more`] : [];
  return [...weights.slice(0, mostKept).map(leftText), ...rest];
}

const mostKept = 4;

/** The sentence for the verdict; null where little or nothing was left against the request. */
export function leftSentence(account: Account, least: number): string | null {
  const share = unintendedShare(account);
  if (share < least) return null;
  const rows = leftInFloat(account).filter((row) => row.isUnintended);
  const bytes = formatBytes(sum(rows, 'bytes'));
  const shown = rows.slice(0, 2).map(leftText).join('; ');
  const more = rows.length > 2 ? `; ${rows.length - 2} more reasons in the report` : '';
  const stayed = `${formatPercent(share, 0)} of the weights (${bytes}) stayed in float`;
  return `${stayed}: ${shown}${more}. ${nextStep(rows[0]!, account)}`;
}

/** What to do about the largest row. */
function nextStep({ reason, role }: AccountRow, { asked }: Account): string {
  const { code } = reasonOf(reason ?? '');
  if (role === 'unknown') return 'Export the model with standard ONNX operators.';
  if (code === 'weights-underflow' || code === 'constant-beyond-float16')
    return '--int8 has a scale for each channel and can hold them.';
  if (code === 'not-covered' && !asked.includes('int8')) return '--int8 takes more kinds of operators.';
  return 'The report names them; compress inspect --nodes shows the graph.';
}
