/** What Teachable Machine writes beside its models: metadata.json, with the names of the classes. How it prepares pictures stands in
 *  its library: the middle square, divided by 127, less 1.
 *  Source: googlecreativelab/teachablemachine-community libraries/image/src/custom-mobilenet.ts, utils/tf.ts, utils/canvas.ts. */
import { z } from 'zod';
import { tfjsMalformed } from '../../../support/diagnostics/tfjs.ts';
import { Diagnostic } from '../../../support/diagnostics.ts';
import { setLabels, setPreprocessing } from '../../ir/card.ts';
import { type Model, shapeOf } from '../../ir/model.ts';
import type { ReadSource } from '../format.ts';

export const metadataFile = 'metadata.json';

const labels = z.array(z.string()).nonempty();

const pictureSchema = z.object({
  labels,
  packageName: z.string().endsWith('/image').nullish(),
  imageSize: z.number().int().positive().max(4096).nullish(),
  grayscale: z.boolean().nullish(),
});
const poseSchema = z.object({ labels, packageName: z.string().endsWith('/pose') });
const soundSchema = z.object({ wordLabels: labels });

/** Adds what the file says to the model; a model without one stays as it is.
 *  @throws TFJS_MALFORMED when it has labels for other classes than the model */
export function addTeachableMachine(model: Model, source: ReadSource): void {
  const json = readMetadata(source);
  const sound = soundSchema.safeParse(json).data;
  const pose = poseSchema.safeParse(json).data;
  const picture = pictureSchema.safeParse(json).data;
  if (sound) {
    describe(model, source, sound.wordLabels, soundOf(model));
  } else if (pose) {
    describe(model, source, pose.labels, poseText);
  } else if (picture) {
    describe(model, source, picture.labels, 'Teachable Machine, pictures.');
    const side = picture.imageSize ?? sideOf(model);
    if (side === null) return;
    setPreprocessing(model, {
      name: 'teachable-machine',
      resize: { mode: 'cover', size: { width: side, height: side }, kernel: 'linear' },
      scale: 1 / 127,
      mean: [1],
      std: [1],
      channels: picture.grayscale ? 'L' : 'RGB',
    });
  }
}

function describe(
  model: Model,
  { name, outputs }: ReadSource,
  classes: readonly string[],
  doc: string,
): void {
  const scores = model.graph.outputs[0] && shapeOf(model.graph.outputs[0])?.at(-1);
  const isOfThem = typeof scores !== 'number' || scores === classes.length;
  model.doc = doc;
  // Cut before its classes, it has others than the file names.
  if (!isOfThem && outputs) return;
  if (!isOfThem)
    throw tfjsMalformed(
      name,
      `${metadataFile} beside it names ${classes.length} classes and the model has ${scores}`,
    );
  setLabels(model, classes);
}

/** Pose models see what PoseNet makes of a picture; PoseNet itself is not in the file. */
const poseText =
  'Teachable Machine, poses: the head alone. Its input are the features of PoseNet (heatmaps and offsets, flattened), which the page computes.';

/** [batch, frames, frequencies, 1]. */
function soundOf(model: Model): string {
  const [, frames, bins] = (model.graph.inputs[0] && shapeOf(model.graph.inputs[0])) ?? [];
  return `Teachable Machine, sounds: its input is a spectrogram, ${frames ?? '?'} frames of the ${bins ?? '?'} lowest frequencies in dB from the browser's FFT, normalised to mean 0 and deviation 1.`;
}

function sideOf(model: Model): number | null {
  const side = model.graph.inputs[0] && shapeOf(model.graph.inputs[0])?.[1];
  return typeof side === 'number' ? side : null;
}

/** Undefined where there is none, or none that can be read: the model runs without it. */
function readMetadata({ sizeOf, external }: ReadSource): unknown {
  if (!sizeOf || !external) return undefined;
  try {
    const length = sizeOf(metadataFile, 'Metadata');
    if (length > largest) return undefined;
    return JSON.parse(new TextDecoder().decode(external({ location: metadataFile, offset: 0, length })));
  } catch (error) {
    if (error instanceof Diagnostic || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A few names; anything larger is something else. */
const largest = 1 << 20;
