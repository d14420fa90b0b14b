/** How a detector says what it found, read off the shapes of its outputs. */
import type { Dim, Shape } from '../../model/ir/type.ts';

/** - pairs: numbers of a box and scores of classes for each of K places, undecided: [N,K,4 or more] and [N,K,C]
 *  - rows: both in one row for each of K places, undecided (YOLO): [N,4+C,K], or [N,K,5+C] with how sure it is of any object
 *  - grids: the same as maps, a grid for each stride, three boxes a cell (YOLO before its last step): [N,3,H,W,5+C], or [N,3·(5+C),H,W]
 *  - finished: boxes that were chosen, their scores and classes each in an output of its own
 *  - finished-rows: one row for each chosen box: corners, score and class */
export type DetectionHead =
  | { readonly kind: 'pairs'; readonly pairs: readonly BoxPair[] }
  | { readonly kind: 'rows'; readonly output: string; readonly hasObjectness: boolean }
  | { readonly kind: 'grids'; readonly maps: readonly GridMap[] }
  | {
      readonly kind: 'finished';
      readonly boxes: string;
      readonly scores: string;
      readonly classes: string | null;
      readonly count: string | null;
    }
  | { readonly kind: 'finished-rows'; readonly output: string };

export interface GridMap {
  readonly output: string;
  /** Pixels of the input that a cell is wide and high. */
  readonly stride: number;
  /** Where the numbers of a box are: in rows of their own, or in the channels. */
  readonly form: 'rows' | 'channels';
}

export interface BoxPair {
  readonly boxes: string;
  readonly scores: string;
}

export interface Shaped {
  readonly name: string;
  readonly shape: Shape | null;
}

interface Sized {
  readonly height: number | null;
  readonly width: number | null;
}

/** Places that boxes are proposed at, at least: fewer rows are tokens or points. */
const fewestPlaces = 20;

/** @param picture  size of what goes in; null where it is no picture
 *  @param looksLikeScores  whether an output's numbers do, where they are there and names say nothing */
export function detectionHead(
  outputs: readonly Shaped[],
  picture: Sized | null,
  looksLikeScores: (name: string) => boolean = () => false,
): DetectionHead | null {
  return (
    finished(outputs, looksLikeScores) ??
    pairs(outputs) ??
    (picture ? (rows(outputs, picture) ?? grids(outputs, picture)) : null)
  );
}

export const outputsOfHead = (head: DetectionHead): string[] => {
  if (head.kind === 'pairs') return head.pairs.flatMap(({ boxes, scores }) => [boxes, scores]);
  if (head.kind === 'finished')
    return [head.boxes, head.scores, head.classes, head.count].filter((name) => name !== null);
  if (head.kind === 'grids') return head.maps.map(({ output }) => output);
  return [head.output];
};

const namesBoxes = /box|loc(?!al)|bbox|regress|coord/i;
const namesObjectScores = /score|conf|prob|logit/i;
const namesClasses = /class|label|categor/i;
const namesCount = /num|count|valid/i;

const rank = ({ shape }: Shaped) => shape?.length ?? -1;
const last = ({ shape }: Shaped): Dim => shape?.at(-1) ?? null;

/** Boxes [N,K,4] or [K,4] beside scores of one number each, [N,K] or [K]. */
function finished(
  outputs: readonly Shaped[],
  looksLikeScores: (name: string) => boolean,
): DetectionHead | null {
  for (const boxes of outputs) {
    if ((rank(boxes) !== 2 && rank(boxes) !== 3) || last(boxes) !== 4) continue;
    const beside = outputs.filter(
      (o) => o !== boxes && rank(o) === rank(boxes) - 1 && sameDims(o.shape!, boxes.shape!.slice(0, -1)),
    );
    const scores =
      beside.find((o) => namesObjectScores.test(o.name)) ??
      beside.find((o) => looksLikeScores(o.name)) ??
      beside.find((o) => !namesClasses.test(o.name) && !namesCount.test(o.name));
    if (!scores) continue;
    const classes = beside.find((o) => namesClasses.test(o.name)) ?? beside.find((o) => o !== scores) ?? null;
    const count = outputs.find((o) => namesCount.test(o.name) && rank(o) <= 2 && !beside.includes(o));
    const named = { boxes: boxes.name, scores: scores.name, classes: classes?.name ?? null };
    return { kind: 'finished', ...named, count: count?.name ?? null };
  }
  return null;
}

const sameDims = (a: Shape, b: Shape) => a.length === b.length && a.every((d, i) => d === b[i]);

function pairs(outputs: readonly Shaped[]): DetectionHead | null {
  const places = outputs.filter((o) => rank(o) === 3);
  const groups = new Map<Dim, Shaped[]>();
  for (const o of places) groups.set(o.shape![1]!, [...(groups.get(o.shape![1]!) ?? []), o]);
  const found: BoxPair[] = [];
  for (const [count, group] of groups) {
    if (group.length !== 2) continue;
    const pair = pairOf(group as [Shaped, Shaped]);
    const isMany =
      typeof count === 'number' ? count >= fewestPlaces : group.some((o) => namesBoxes.test(o.name));
    if (pair && isMany) found.push(pair);
  }
  return found.length > 0 ? { kind: 'pairs', pairs: found } : null;
}

function pairOf(group: readonly [Shaped, Shaped]): BoxPair | null {
  const named = group.find((o) => namesBoxes.test(o.name) && Number(last(o)) >= 4);
  const four = group.filter((o) => last(o) === 4);
  // Points beside a box, as faces have: more numbers than one class has scores.
  const one = group.find((o) => last(o) === 1);
  const more = one && group.find((o) => o !== one && Number(last(o)) > 4 && Number(last(o)) % 2 === 0);
  const boxes = named ?? (four.length === 1 ? four[0] : more);
  const scores = group.find((o) => o !== boxes);
  if (!boxes || !scores) return null;
  return { boxes: boxes.name, scores: scores.name };
}

function rows(outputs: readonly Shaped[], picture: Sized): DetectionHead | null {
  for (const output of outputs) {
    const { name, shape } = output;
    if (!shape || rank(output) !== 3) continue;
    const [a, b] = shape.slice(-2) as [Dim, Dim];
    const isChosen = (b === 6 || b === 7) && outputs.length === 1;
    if (isChosen && !(typeof a === 'number' && isKnownGrid(a, picture)))
      return { kind: 'finished-rows', output: name };
    if (typeof a !== 'number' || typeof b !== 'number') continue;
    if (a >= 5 && b > 5 * a && isGrid(b, picture))
      return { kind: 'rows', output: name, hasObjectness: false };
    if (b >= 6 && a > 5 * b && isGrid(a, picture)) return { kind: 'rows', output: name, hasObjectness: true };
  }
  return null;
}

/** The same; many places, where nobody knows how large the picture is. */
const isGrid = (places: number, picture: Sized): boolean =>
  picture.height === null || picture.width === null ? places >= 300 : isKnownGrid(places, picture);

/** Whether so many places are those of grids with strides of 8, 16 and 32 (64) over the picture, one or three a cell. */
function isKnownGrid(places: number, { height, width }: Sized): boolean {
  if (height === null || width === null) return false;
  const cells = (strides: readonly number[]) =>
    strides.reduce((n, s) => n + Math.ceil(height / s) * Math.ceil(width / s), 0);
  const grids = [
    [8, 16, 32],
    [8, 16, 32, 64],
    [16, 32],
    [4, 8, 16, 32],
  ].map(cells);
  return grids.some((n) => places === n || places === 3 * n);
}

/** Boxes a cell, and what a box has besides its classes: where it is, and how sure it is of any object. */
const [boxesPerCell, besideClasses] = [3, 5];

/** The strides that maps have, by how many there are. */
const usualStrides: Readonly<Record<number, readonly number[]>> = { 2: [16, 32], 3: [8, 16, 32] };

function grids(outputs: readonly Shaped[], { height, width }: Sized): DetectionHead | null {
  if (height === null || width === null) return null;
  const maps = outputs.flatMap((o) => mapOf(o, { height, width })).sort((a, b) => a.stride - b.stride);
  const alike = new Set(maps.map(({ numbers, form }) => `${numbers} ${form}`)).size === 1;
  const strides = usualStrides[outputs.length];
  if (!alike || maps.length !== outputs.length || !strides) return null;
  if (!maps.every(({ stride }, i) => stride === strides[i])) return null;
  return { kind: 'grids', maps: maps.map(({ output, stride, form }) => ({ output, stride, form })) };
}

/** None where it is no map of three boxes a cell. */
function mapOf(
  { name, shape }: Shaped,
  { height, width }: { readonly height: number; readonly width: number },
): (GridMap & { readonly numbers: number })[] {
  if (!shape?.slice(1).every((d) => typeof d === 'number')) return [];
  const dims = shape.slice(1) as number[];
  const isRows = dims.length === 4 && dims[0] === boxesPerCell;
  if (!isRows && dims.length !== 3) return [];
  const [rows, columns] = [dims[1]!, dims[2]!];
  const numbers = isRows ? dims[3]! : dims[0]! / boxesPerCell;
  const stride = height / rows;
  if (!Number.isInteger(numbers) || numbers <= besideClasses || stride !== width / columns) return [];
  return [{ output: name, stride, form: isRows ? 'rows' : 'channels', numbers }];
}
