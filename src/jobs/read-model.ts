/** Opens a model as a command is asked to take it: from a file or the web, cut behind chosen outputs, its pictures in a chosen layout,
 *  open sizes and inputs with chosen numbers. */
import { type Layout, withPictureLayout } from '../data/picture-layout.ts';
import { type ModelInput, openModel } from '../model/formats/open-file.ts';
import { type OpenedModel, openedModel } from '../model/formats/opened.ts';
import { type FixedInputs, withFixedInputs } from '../model/rewrite/fix-inputs.ts';
import { type Sizes, withSizes } from '../model/rewrite/fix-sizes.ts';
import { formatBytes } from '../support/units.ts';
import { isUrl, lastPartOf } from '../support/url.ts';
import { type JobRun, step } from './progress.ts';

/** As in a request; see `inputFields`. */
export interface ModelChoice {
  readonly outputs?: readonly string[] | undefined;
  readonly layout?: Layout | undefined;
  readonly sizes?: Sizes | undefined;
  readonly fix?: FixedInputs | undefined;
}

/** @param run  told how far a model on the web has come
 *  @throws what openModel and fetchModel throw, OUTPUT_UNKNOWN, LAYOUT_UNCLEAR, LAYOUT_FIXED, SIZE_UNKNOWN, INPUT_UNKNOWN,
 *  INPUT_NOT_FIXED */
export async function readModel(
  input: ModelInput,
  choice: ModelChoice = {},
  run: JobRun = { events: {} },
): Promise<OpenedModel> {
  const { outputs, layout, sizes, fix } = choice;
  const opened = openModel(await fetched(input, choice, run), { outputs });
  const sized = sizes ? withSizes(opened.model, sizes) : opened.model;
  const fixed = fix ? withFixedInputs(sized, fix) : sized;
  const model = layout ? withPictureLayout(fixed, layout) : fixed;
  if (model === opened.model) return opened;
  // The file has other axes or sizes than the model now: an engine is handed what is in memory.
  const { name, format } = opened;
  return openedModel({ name, format: { ...format, runnable: false }, model, files: () => opened.files });
}

const kilobytes = (bytes: number) => Math.ceil(bytes / 1000);

/** A model on the web, as it is in memory then; all others as they came.
 *  @throws what fetchModel throws */
export async function fetched(
  input: ModelInput,
  { outputs }: ModelChoice,
  { events, signal }: JobRun,
): Promise<ModelInput> {
  if (!isUrl(input)) return input;
  const { fetchModel } = await import('../model/formats/fetch-model.ts');
  return step(
    events,
    'fetch',
    (onProgress) =>
      fetchModel(input, {
        outputs,
        signal,
        onProgress: (done, total) => onProgress(kilobytes(done), kilobytes(total)),
      }),
    ({ files, sizeBytes }) =>
      `${lastPartOf(input)} · ${files.length === 1 ? '1 file' : `${files.length} files`}, ${formatBytes(sizeBytes)}`,
  );
}
