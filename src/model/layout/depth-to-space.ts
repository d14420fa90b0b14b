/** DepthToSpace as exporters write it out, made one operator again: channels-last it is one, written out it keeps a Transpose.
 *    Reshape [N, c, b, b, H, W] · Transpose 0 1 4 2 5 3 · Reshape [N, c, H·b, W·b]   ⇒   DepthToSpace, mode CRD
 *    Reshape [N, b, b, c, H, W] · Transpose 0 3 4 1 5 2 · the same                  ⇒   DepthToSpace, mode DCR
 *  Left alone: before opset 11, sizes that aren't known to fit. Source: ONNX DepthToSpace-11. */
import { type Model, opset, shapeOf } from '../ir/model.ts';
import type { Dim, Shape } from '../ir/type.ts';
import { isSame, multiply } from '../ops/dims.ts';
import { applyRules } from '../rewrite/apply.ts';
import { op, value } from '../rewrite/pattern.ts';
import { defineRule } from '../rewrite/rule.ts';
import { permutationOf } from './permutation.ts';

const x = value();
const split = op('Reshape', [x, value()]);
const turned = op('Transpose', [split]);

const rule = defineRule({
  name: 'depth-to-space',
  match: op('Reshape', [turned, value()]),
  rewrite(m, emit) {
    const form = forms[permutationOf(m.get(turned))?.join() ?? ''];
    const shapes = [m.get(x), m.get(split).outputs[0], m.root.outputs[0]].map(shapeOf);
    const blocksize = form ? blockSize(shapes, form.axes) : null;
    if (!form || blocksize === null) return null;
    return emit('DepthToSpace', [m.get(x)], { attributes: { blocksize, mode: form.mode } });
  },
});

interface Form {
  readonly mode: 'CRD' | 'DCR';
  /** Axes of the split tensor that hold the block's rows, its columns, and what is left of the channels. */
  readonly axes: readonly [rows: number, columns: number, channels: number];
}

/** By the permutation of the Transpose. */
const forms: Readonly<Record<string, Form>> = {
  '0,1,4,2,5,3': { mode: 'CRD', axes: [2, 3, 1] },
  '0,3,4,1,5,2': { mode: 'DCR', axes: [1, 2, 3] },
};

/** Rows of the block, if the three shapes are those of a DepthToSpace. */
function blockSize([before, middle, after]: readonly (Shape | null)[], axes: Form['axes']): number | null {
  if (before?.length !== 4 || middle?.length !== 6 || after?.length !== 4) return null;
  const [rows, columns, channels] = axes.map((axis) => middle[axis]!);
  if (typeof rows !== 'number' || rows !== columns) return null;
  const [n, , h, w] = before as [Dim, Dim, Dim, Dim];
  const joined = [n, channels!, multiply(h, rows), multiply(w, rows)];
  const isSplit = [n, h, w].every((d, i) => isSame(d, middle[[0, 4, 5][i]!]!));
  return isSplit && joined.every((d, i) => isSame(d, after[i]!)) ? rows : null;
}

/** Edits the model in place, subgraphs included. */
export function joinDepthToSpace(model: Model): void {
  if (Math.max(opset(model), opset(model, 'ai.onnx')) >= 11) applyRules(model, [rule]);
}
