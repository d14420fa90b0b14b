/** Opens a model as a command is asked to take it: cut behind chosen outputs, its pictures in a chosen layout. */
import { type Layout, withPictureLayout } from '../data/picture-layout.ts';
import { type ModelInput, openModel } from '../model/formats/open-file.ts';
import { type OpenedModel, openedModel } from '../model/formats/opened.ts';

/** As in a request; see `inputFields`. */
export interface ModelChoice {
  readonly outputs?: readonly string[] | undefined;
  readonly layout?: Layout | undefined;
}

/** @throws what openModel throws, OUTPUT_UNKNOWN, LAYOUT_UNCLEAR, LAYOUT_FIXED */
export function readModel(input: ModelInput, { outputs, layout }: ModelChoice = {}): OpenedModel {
  const opened = openModel(input, { outputs });
  if (!layout) return opened;
  const model = withPictureLayout(opened.model, layout);
  if (model === opened.model) return opened;
  // The file has other axes than the model now: an engine is handed what is in memory.
  const { name, format } = opened;
  return openedModel({ name, format: { ...format, runnable: false }, model, files: () => opened.files });
}
