/** Messages of quantising: ranges, what they are found on, and models that leave nothing to do. */
import { unsupported, user } from '../diagnostics.ts';

export const emptyRange = (what: string, min: number, max: number) =>
  user(
    'EMPTY_RANGE',
    `${what} has range [${min}, ${max}]; a finite range is needed to quantise it.`,
    'Look for NaN or infinity in the model or the data: compress inspect shows constants with NaN.',
  );

export const modeNeedsData = (mode: string) =>
  user(
    'CALIBRATION_REQUIRED',
    `--int8 ${mode} finds activation ranges on data, and there is none.`,
    'Pass --data <folder or .npz>, or use --int8 dynamic.',
  );

export const calibrationRequired = (count: number, first: string) =>
  user(
    'CALIBRATION_REQUIRED',
    `Static int8 needs calibration data for ${count} activations (first: ${first}).`,
    'Pass --data <folder or .npz>, or leave static out: without data int8 is dynamic and weight-only.',
  );

/** @param asked  what weights were to be stored as: "float16", "4 bits and int8"
 *  @param kept  why each group of constants stays: "3 Conv 1.2 MB: float16 already" */
export const nothingToCompress = (what: string, asked: string, kept: readonly string[]) =>
  unsupported(
    'NOTHING_TO_QUANTIZE',
    `${what} has no weight that ${asked} could make smaller: ${kept.length > 0 ? kept.join('; ') : 'it holds no constants'}.`,
    'compress inspect lists what all of its constants are.',
  );

export const notANumber = (names: readonly string[]) =>
  user(
    'WEIGHTS_NOT_FINITE',
    `${names.length} constant${names.length === 1 ? '' : 's'} of the model hold NaN or infinity (first: "${names[0]}").`,
    'Such a model is broken already; export it again from a checkpoint whose loss was finite.',
  );
