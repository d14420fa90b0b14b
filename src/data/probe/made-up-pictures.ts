/** Drawn pictures as a model takes them. */
import type { Model } from '../../model/ir/model.ts';
import type { Port } from '../../model/ir/port.ts';
import { tensorOf } from '../../model/ir/tensor.ts';
import { dimsAsInput, type PictureInput, pictureInput } from '../picture-input.ts';
import { type Pixels, pixelsToTensor } from '../pixels.ts';
import {
  type FittedPreprocessing,
  guessPreprocessing,
  likelyPresets,
  type Preprocessing,
  type PresetName,
  presetPreprocessing,
} from '../preprocess.ts';
import { drawScene, drawStrokes } from './draw-picture.ts';
import { inputScale } from './input-scale.ts';
import type { Maker } from './maker.ts';

/** Side of a picture where the model leaves it open. */
const openSide = 224;

/** One for each preprocessing that the input may be meant for, the likeliest first; none where it takes no picture. */
export function pictureMakers(port: Port, model: Model, drawings: boolean): readonly Maker[] {
  const input = pictureInput(port);
  if (!input) return [];
  const size = { width: input.width ?? openSide, height: input.height ?? openSide };
  return specsFor(port, input, model).map((spec) => ({
    what: `drawn pictures, prepared as "${spec.name}"`,
    make: (random, index) => {
      const isDrawing = drawings && index % 4 === 3;
      const picture = isDrawing ? drawStrokes(random, size) : drawScene(random, size);
      const tensor = pixelsToTensor(picture, { left: 0, top: 0, ...size }, spec);
      return { ...tensor, dims: dimsAsInput(tensor.dims, port) };
    },
  }));
}

function specsFor(port: Port, input: PictureInput, model: Model): Preprocessing[] {
  const guess = guessPreprocessing(port);
  if (!guess.isGuess) return [fitted(guess)];
  const scaled = presetByScale(model, port);
  const names = [...(scaled ? [scaled] : []), guess.spec.name as PresetName, ...likelyPresets(input)];
  return [...new Set(names)].map((name) => fitted(presetPreprocessing(name, port)));
}

const fitted = ({ spec }: FittedPreprocessing) => spec;

/** A graph that subtracts a mean or divides by itself takes pixels before that. */
function presetByScale(model: Model, port: Port): PresetName | null {
  const scale = port.dtype.startsWith('float') ? inputScale(model, port.name) : null;
  if (!scale) return null;
  const widest = Math.max(...scale.deviation);
  const middle = scale.mean.reduce((a, b) => a + b, 0) / scale.mean.length;
  // 0 … 255 has deviations of about 60, or is divided by 255; −1 … 1 and the like have their middle at 0.
  if (widest > 16) return '0-255';
  return middle > 0.2 && middle < 0.8 ? '0-1' : null;
}

/** How flat pictures are mostly stored. */
const flatNames = /pixel|image|img|picture/i;

/** [N, 784] and the like: a square of grey pixels, in a row. None where the input is not called so. */
export function flatPictureMakers(port: Port): readonly Maker[] {
  const count = port.shape?.length === 2 ? port.shape[1] : null;
  if (typeof count !== 'number' || !flatNames.test(port.name)) return [];
  const side = Math.sqrt(count);
  if (!Number.isInteger(side)) return [];
  const size = { width: side, height: side };
  const ranges = [
    { what: 'drawn pictures in 0…1, in a row', scale: 1 / 255 },
    { what: 'drawn pictures in 0…255, in a row', scale: 1 },
  ];
  return ranges.map(({ what, scale }) => ({
    what,
    make: (random, index) => {
      const picture = index % 4 === 0 ? drawScene(random, size) : drawStrokes(random, size);
      return tensorOf(
        port.dtype,
        [1, count],
        greyOf(picture).map((v) => v * scale),
      );
    },
  }));
}

const greyOf = ({ data, width, height }: Pixels): Float32Array =>
  Float32Array.from(
    { length: width * height },
    (_, i) => 0.299 * data[3 * i]! + 0.587 * data[3 * i + 1]! + 0.114 * data[3 * i + 2]!,
  );
