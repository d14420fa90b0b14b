/** Boxes as YOLO has them: a text file for each picture, "class x y width height" a line, centre and size in shares of the picture.
 *  @see https://docs.ultralytics.com/datasets/detect */
import { labelsInvalid } from '../../support/diagnostics/data.ts';
import type { GivenBox } from './place-boxes.ts';

/** Shares may stand a little beyond the picture, where they were rounded. */
const [least, most] = [-0.01, 1.01];

/** @returns null where a line is of another kind: the file is no labels of YOLO's
 *  @throws LABELS_INVALID for lines that are nearly right */
export function parseYolo(text: string, where: string): GivenBox[] | null {
  const boxes: GivenBox[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const cells = line.trim().split(/\s+/);
    const numbers = cells.map(Number);
    if (cells.length < 5 || numbers.some((n) => !Number.isFinite(n))) return null;
    const [label, ...rest] = numbers as [number, ...number[]];
    const at = `line ${i + 1}`;
    if (!(Number.isInteger(label) && label >= 0))
      throw labelsInvalid(where, `${at}: ${cells[0]} is not a class index`);
    if (rest.length === 5)
      throw labelsInvalid(where, `${at} has a sixth number, as what a model has found has: how sure it is`);
    if (rest.some((share) => share < least || share > most))
      throw labelsInvalid(where, `${at}: centre and size of a box are shares of the picture, 0 to 1`);
    const box = rest.length === 4 ? ofCentre(rest) : rest.length % 2 === 0 ? around(rest) : null;
    if (!box) throw labelsInvalid(where, `${at} has ${cells.length} numbers; "class x y width height" has 5`);
    boxes.push({ ...box, label, id: label, isCrowd: false });
  }
  return boxes;
}

const ofCentre = ([x, y, width, height]: readonly number[]) => ({
  x: x! - width! / 2,
  y: y! - height! / 2,
  width: width!,
  height: height!,
});

/** Of an outline, x y x y …, the box that holds it. */
function around(points: readonly number[]) {
  const [xs, ys] = [points.filter((_, i) => i % 2 === 0), points.filter((_, i) => i % 2 === 1)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

/** Names of classes by index: the lines of a classes.txt. */
export const namesInLines = (text: string): string[] =>
  text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** Of a data.yaml: "names", a list or a map from index to name. @returns null where it has none */
export function namesInYaml(yaml: unknown): string[] | null {
  const names = typeof yaml === 'object' && yaml !== null ? (yaml as { names?: unknown }).names : null;
  if (Array.isArray(names)) return names.map(String);
  if (typeof names !== 'object' || names === null) return null;
  const found: string[] = [];
  for (const [index, name] of Object.entries(names)) {
    if (!/^\d{1,4}$/.test(index)) return null;
    found[Number(index)] = String(name);
  }
  return Array.from(found, (name, i) => name ?? `class ${i}`);
}
