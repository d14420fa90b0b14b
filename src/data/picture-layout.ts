/** The order of axes of a model's pictures, chosen by who uses it. */
import { preprocessingOf, setPreprocessing } from '../model/ir/card.ts';
import { cloneModel } from '../model/ir/clone.ts';
import type { Model } from '../model/ir/model.ts';
import { outputPortsOf, type Port, portsOf } from '../model/ir/port.ts';
import type { Dim } from '../model/ir/type.ts';
import { changeBoundary } from '../model/layout/boundary.ts';
import { inferShapes } from '../model/ops/shapes.ts';
import { layoutUnclear } from '../support/diagnostics/layout.ts';
import { formatInput, pictureInput } from './picture-input.ts';

export type Layout = 'nchw' | 'nhwc';

/** The model with its pictures in the layout asked for: inputs of four axes whose channels, 1 or 3, stand elsewhere, and outputs
 *  that are maps of them, with height to width as an input has them. Names stay; so does what else the model
 *  takes and gives, boxes and scores.
 *  @returns the same model where its pictures are in that layout already, else a changed copy
 *  @throws LAYOUT_UNCLEAR when no input is a picture */
export function withPictureLayout(model: Model, to: Layout): Model {
  const pictures = portsOf(model).flatMap((port) => pictureOf(port) ?? []);
  if (pictures.length === 0)
    throw layoutUnclear(portsOf(model).map((p) => `"${p.name}" (${formatInput(p)})`));
  const turned = pictures.filter(({ layout }) => layout !== to);
  if (turned.length === 0) return model;
  const result = cloneModel(model);
  inferShapes(result);
  const isMap = (port: Port) => turned.some((picture) => isMapOf(port, picture));
  const among = new Set(turned.map(({ name }) => name));
  const outputs = outputPortsOf(result).filter((port) => !among.has(port.name) && isMap(port));
  changeBoundary(result, { to, inputs: [...among], outputs: outputs.map(({ name }) => name) });
  turnPreprocessing(result, to);
  return result;
}

interface Picture {
  readonly name: string;
  readonly layout: Layout;
  readonly height: Dim;
  readonly width: Dim;
}

function pictureOf(port: Port): Picture | null {
  const { name, shape } = port;
  if (shape?.length !== 4) return null;
  // How many samples come at once says nothing about the order of axes.
  const found = pictureInput({ ...port, shape: [1, ...shape.slice(1)] });
  if (!found) return null;
  const layout = found.layout === 'NCHW' ? 'nchw' : 'nhwc';
  const [height, width] = sidesOf(shape, layout);
  return { name, layout, height, width };
}

const sidesOf = (shape: readonly Dim[], layout: Layout): [Dim, Dim] =>
  layout === 'nchw' ? [shape[2]!, shape[3]!] : [shape[1]!, shape[2]!];

/** In the picture's layout, sides in the same proportion, give or take what strides round; sizes left open may be that. */
function isMapOf({ shape }: Port, { layout, height, width }: Picture): boolean {
  if (shape?.length !== 4) return false;
  const [h, w] = sidesOf(shape, layout);
  if (![h, w, height, width].every((side) => typeof side === 'number')) return true;
  return (
    Math.abs(Number(h) * Number(width) - Number(w) * Number(height)) <=
    Math.max(Number(height), Number(width))
  );
}

/** How pictures are prepared may say the layout too. */
function turnPreprocessing(model: Model, to: Layout): void {
  const spec = preprocessingOf(model);
  if (typeof spec === 'object' && spec !== null && 'layout' in spec)
    setPreprocessing(model, { ...spec, layout: to.toUpperCase() });
}
