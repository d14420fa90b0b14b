/** Reads boxes off what a detector gives. What its numbers mean (corners or centres, shares or logits, which class is the background)
 *  is found once, on what the original gives for the first sample, and holds for both models from then on. */
import { float32Values, numbers, type Tensor } from '../../../model/ir/tensor.ts';
import { type BoxPair, type DetectionHead, detectionHead } from '../detection-head.ts';
import type { Outputs } from '../meter.ts';
import type { Box } from './box.ts';
import { gridReader } from './read-grids.ts';

/** Boxes of a sample that are at least so sure; NMS is not done yet. */
export type ReadBoxes = (outputs: Outputs, least: number) => Box[];

/** null where the outputs are of no form that is known. */
export function boxReader(
  outputs: Outputs,
  picture: { height: number | null; width: number | null } | null,
): ReadBoxes | null {
  const shaped = Object.entries(outputs).map(([name, { dims }]) => ({ name, shape: dims }));
  const head = detectionHead(shaped, picture ?? { height: null, width: null }, (name) =>
    isScores(outputs[name]!),
  );
  return head && readers[head.kind](head as never, outputs);
}

const readers: {
  readonly [K in DetectionHead['kind']]: (
    head: Extract<DetectionHead, { kind: K }>,
    first: Outputs,
  ) => ReadBoxes;
} = {
  pairs: pairReader,
  rows: rowReader,
  grids: gridReader,
  finished: finishedReader,
  'finished-rows': finishedRowReader,
};

/** Between 0 and 1, and the highest first. */
function isScores(t: Tensor): boolean {
  const values = numbers(t);
  return (
    values.every((v, i) => v >= 0 && v <= 1 && (i === 0 || v <= values[i - 1]!)) &&
    values.some((v) => v % 1 !== 0)
  );
}

/** Numbers in rows of `width`; `at(row, column)`. */
interface Table {
  readonly rows: number;
  readonly width: number;
  at(row: number, column: number): number;
}

function tableOf(t: Tensor, isTurned = false): Table {
  const values = float32Values(t);
  const [a, b] = [t.dims.at(-2)!, t.dims.at(-1)!];
  return isTurned
    ? { rows: b, width: a, at: (row, column) => values[column * b + row]! }
    : { rows: a, width: b, at: (row, column) => values[row * b + column]! };
}

// --- what numbers mean ---------------------------------------------------------------------------------------------

/** corners: two opposite ones. centre: of the box, and its size. offsets: from a place that nobody tells, sizes as logarithms. */
type Form = 'corners' | 'centre' | 'offsets';

/** Nearly all: a few boxes of places where nothing is are turned inside out. */
const nearlyAll = 0.95;

function formOf(table: Table): Form {
  const share = (holds: (row: number) => boolean) => {
    let count = 0;
    for (let row = 0; row < table.rows; row++) if (holds(row)) count++;
    return count / Math.max(1, table.rows);
  };
  const { at } = table;
  if (share((row) => at(row, 2) > at(row, 0) && at(row, 3) > at(row, 1)) >= nearlyAll) return 'corners';
  return share((row) => at(row, 2) > 0 && at(row, 3) > 0) >= nearlyAll ? 'centre' : 'offsets';
}

/** Whether centres lie all over the picture, or are counted from places that nobody tells: then they are near them. */
function isSpread(table: Table): boolean {
  let [sum, squares, sizes] = [0, 0, 0];
  for (let row = 0; row < table.rows; row++) {
    const x = table.at(row, 0);
    sum += x;
    squares += x * x;
    sizes += table.at(row, 2);
  }
  const [mean, size] = [sum / table.rows, sizes / table.rows];
  const deviation = Math.sqrt(Math.max(0, squares / table.rows - mean * mean));
  return mean - deviation > 0 && mean + 3 * deviation > size;
}

/** Factors of SSD's offsets and logarithms, which nearly all of its kind share. */
const [offsetUnit, logUnit] = [0.1, 0.2];

function cornersOf({ at }: Table, row: number, form: Form) {
  const [a, b, c, d] = [at(row, 0), at(row, 1), at(row, 2), at(row, 3)];
  if (form === 'corners') return { left: a, top: b, right: c, bottom: d };
  const [x, y, w, h] =
    form === 'centre'
      ? [a, b, c, d]
      : [offsetUnit * a, offsetUnit * b, Math.exp(logUnit * c), Math.exp(logUnit * d)];
  return { left: x - w / 2, top: y - h / 2, right: x + w / 2, bottom: y + h / 2 };
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

interface ClassReading {
  /** Scores of the classes of a row, the background's left out (null at its place). */
  readonly of: (table: Table, row: number) => readonly (number | null)[];
}

/** @param from  column of the first class @param count  of classes */
function classReading(table: Table, from: number, count: number): ClassReading {
  const winners = new Array<number>(count).fill(0);
  let isShare = true;
  for (let row = 0; row < table.rows; row++) {
    let best = 0;
    for (let c = 0; c < count; c++) {
      const value = table.at(row, from + c);
      if (value < 0 || value > 1) isShare = false;
      if (value > table.at(row, from + best)) best = c;
    }
    winners[best]!++;
  }
  const dominant = winners.indexOf(Math.max(...winners));
  // Nothing is at most places: a first or last class that wins there is the background's.
  const isAtEnd = dominant === 0 || dominant === count - 1;
  const background =
    count > 1 && isAtEnd && winners[dominant]! > 0.8 * table.rows && sumsToOne(table, from, count, isShare)
      ? dominant
      : -1;
  const row = (t: Table, at: number) => Array.from({ length: count }, (_, c) => t.at(at, from + c));
  return {
    of: (t, at) => {
      const raw = row(t, at);
      const scores = isShare ? raw : background >= 0 ? softmax(raw) : raw.map(sigmoid);
      return scores.map((score, c) => (c === background ? null : score));
    },
  };
}

/** Of shares: whether one of the classes is always it. Logits don't tell; with a background they are meant so. */
function sumsToOne(table: Table, from: number, count: number, isShare: boolean): boolean {
  if (!isShare) return true;
  let sum = 0;
  for (let c = 0; c < count; c++) sum += table.at(0, from + c);
  return Math.abs(sum - 1) < 0.02;
}

function softmax(x: readonly number[]): number[] {
  const most = Math.max(...x);
  const powers = x.map((v) => Math.exp(v - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / sum);
}

// --- readers -------------------------------------------------------------------------------------------------------

function pairReader({ pairs }: { readonly pairs: readonly BoxPair[] }, first: Outputs): ReadBoxes {
  const each = pairs.map(({ boxes, scores }, i) => {
    const [table, classes] = [tableOf(first[boxes]!), tableOf(first[scores]!)];
    const form = formOf(table);
    // Boxes with points beside them are counted from places, too, where they aren't spread.
    const isPlaced = form === 'offsets' || (form === 'centre' && !isSpread(table));
    const reading = classReading(classes, 0, classes.width);
    const before = pairs.slice(0, i).reduce((n, pair) => n + tableOf(first[pair.boxes]!).rows, 0);
    return { boxes, scores, form, reading, before, isPlaced };
  });
  return (outputs, least) =>
    each.flatMap(({ boxes, scores, form, reading, before, isPlaced }) => {
      const [table, classes] = [tableOf(outputs[boxes]!), tableOf(outputs[scores]!)];
      return boxesOf(table, form, (row) => reading.of(classes, row), {
        least,
        place: isPlaced ? (row) => before + row : null,
      });
    });
}

function rowReader(
  { output, hasObjectness }: { readonly output: string; readonly hasObjectness: boolean },
  first: Outputs,
): ReadBoxes {
  const table = tableOf(first[output]!, !hasObjectness);
  const form = formOf(table);
  const from = hasObjectness ? 5 : 4;
  const start = hasObjectness ? 4 : from;
  const count = sharesFrom(table, start) - (from - start);
  const isLogits = count <= 0;
  const classes = isLogits ? table.width - from : count;
  const turned = (x: number) => (isLogits ? sigmoid(x) : x);
  // Sizes below zero are logarithms: such a model leaves it to the page to lay boxes on its grids.
  const isPlaced = form === 'offsets';
  return (outputs, least) => {
    const rows = tableOf(outputs[output]!, !hasObjectness);
    const scores = (row: number) => {
      const any = hasObjectness ? turned(rows.at(row, 4)) : 1;
      return any < least
        ? []
        : Array.from({ length: classes }, (_, c) => any * turned(rows.at(row, from + c)));
    };
    return boxesOf(rows, form, scores, { least, place: isPlaced ? (row) => row : null });
  };
}

/** Columns from one on that hold shares alone: points and coefficients of masks come behind the classes. */
function sharesFrom(table: Table, start: number): number {
  let column = start;
  const isShare = () => {
    for (let row = 0; row < table.rows; row++) {
      const value = table.at(row, column);
      if (!(value >= 0 && value <= 1)) return false;
    }
    return true;
  };
  while (column < table.width && isShare()) column++;
  return column - start;
}

function boxesOf(
  table: Table,
  form: Form,
  scoresOf: (row: number) => readonly (number | null)[],
  { least, place }: { readonly least: number; readonly place: ((row: number) => number) | null },
): Box[] {
  const found: Box[] = [];
  for (let row = 0; row < table.rows; row++) {
    for (const [label, score] of scoresOf(row).entries()) {
      if (score === null || !(score >= least)) continue;
      found.push({ ...cornersOf(table, row, form), score, label, place: place?.(row) ?? null });
    }
  }
  return found;
}

function finishedReader(head: Extract<DetectionHead, { kind: 'finished' }>, first: Outputs): ReadBoxes {
  const form = formOf(tableOf(first[head.boxes]!)) === 'centre' ? 'centre' : 'corners';
  return (outputs, least) => {
    const [table, scores] = [tableOf(outputs[head.boxes]!), float32Values(outputs[head.scores]!)];
    const classes = head.classes === null ? null : numbers(outputs[head.classes]!);
    const count = head.count === null ? table.rows : (numbers(outputs[head.count]!)[0] ?? table.rows);
    const rows = Array.from({ length: Math.min(table.rows, count) }, (_, row) => row);
    return rows
      .filter((row) => scores[row]! >= least)
      .map((row) => ({
        ...cornersOf(table, row, form),
        ...{ score: scores[row]!, label: classes?.[row] ?? 0, place: null },
      }));
  };
}

/** Columns of [x, y, x, y, score, class], of [sample, x, y, x, y, class, score], or of [sample, class, score, x, y, x, y]. */
function finishedRowReader({ output }: { readonly output: string }, first: Outputs): ReadBoxes {
  const table = tableOf(first[output]!);
  const isAll = (column: number, holds: (v: number) => boolean) => {
    for (let row = 0; row < table.rows; row++) if (!holds(table.at(row, column))) return false;
    return true;
  };
  const isShare = (column: number) => isAll(column, (v) => v >= 0 && v <= 1);
  const isWhole = (column: number) => isAll(column, (v) => v % 1 === 0);
  const columns =
    table.width === 6
      ? isWhole(4) && !isWhole(5)
        ? { box: 0, label: 4, score: 5 }
        : { box: 0, score: 4, label: 5 }
      : isWhole(1) && isShare(2)
        ? { box: 3, label: 1, score: 2 }
        : { box: 1, label: 5, score: 6 };
  return (outputs, least) => {
    const rows = tableOf(outputs[output]!);
    const shifted: Table = { ...rows, at: (row, column) => rows.at(row, columns.box + column) };
    return Array.from({ length: rows.rows }, (_, row) => row)
      .filter((row) => rows.at(row, columns.score) >= least)
      .map((row) => ({
        ...cornersOf(shifted, row, 'corners'),
        ...{ score: rows.at(row, columns.score), label: rows.at(row, columns.label), place: null },
      }));
  };
}
