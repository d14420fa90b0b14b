/** How pictures became numbers, in words. */
import { z } from 'zod';
import { type Preprocessing, preprocessingSchema } from '../../data/preprocess.ts';
import { formatInteger } from '../../support/units.ts';

/** A report holds more than the spec: what decoding did besides. */
const recorded = z.looseObject(preprocessingSchema.shape);

/** "imagenet: shorter side to 256 (linear), centre 224×224 cut out, RGB of 0 to 255, (x · 0.00392 − …) / …, float32 NCHW"; a
 *  spec of another shape as its names and values. @param spec  as the report has it; null: samples were used as stored */
export function preprocessingText(spec: Readonly<Record<string, unknown>> | null): string {
  if (spec === null) return 'none';
  const parsed = recorded.safeParse(spec);
  if (!parsed.success)
    return Object.entries(spec)
      .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
      .join(', ');
  const { name, channels, dtype, layout } = parsed.data;
  const parts = [...geometryWords(parsed.data), channelWords[channels], formula(parsed.data)];
  return `${name}: ${[...parts, `${dtype} ${layout}`].join(', ')}`;
}

const channelWords: Readonly<Record<Preprocessing['channels'], string>> = {
  RGB: 'RGB',
  BGR: 'BGR',
  L: 'luma alone',
};

const sides = ({ width, height }: { width: number; height: number }) => `${width}×${height}`;

function geometryWords({ resize, crop, pad }: Preprocessing): string[] {
  const padded = `padded with ${formatInteger(pad)}`;
  const words = () => {
    if (resize.mode === 'none') return 'not resized';
    if (resize.mode === 'shorter-side') return `shorter side to ${resize.size} (${resize.kernel})`;
    const to = `${sides(resize.size)} (${resize.kernel})`;
    if (resize.mode === 'exact') return `stretched to ${to}`;
    return resize.mode === 'contain' ? `fitted into ${to}, ${padded}` : `made to cover ${to}`;
  };
  return crop ? [words(), `centre ${sides(crop)} cut out`] : [words()];
}

/** Of x, a pixel of 0 to 255. */
function formula({ scale, mean, std }: Preprocessing): string {
  const scaled = scale === 1 ? 'x' : `x · ${Number(scale.toPrecision(4))}`;
  const list = (values: readonly number[]) =>
    values.length === 1 ? `${values[0]}` : `[${values.join(', ')}]`;
  const shifted = mean.every((m) => m === 0) ? scaled : `${scaled} − ${list(mean)}`;
  if (std.every((s) => s === 1))
    return shifted === 'x' ? 'pixels of 0 to 255 as they are' : `${shifted} of pixels x`;
  return `${shifted === scaled ? scaled : `(${shifted})`} / ${list(std)} of pixels x`;
}
