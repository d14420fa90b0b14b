/** Messages of making bundles and of reading them. */
import { Diagnostic, environment, internal, user } from '../diagnostics.ts';

export const bundleInvalid = (what: string) =>
  internal('BUNDLE_INVALID', `The bundle would be invalid: ${what}.`);

export const labelNamesInvalid = (path: string, why: string) =>
  user(
    'LABEL_NAMES_INVALID',
    `${path} holds no class names: ${why}.`,
    'Pass a text file with one name a line, a JSON array of names, or a config.json with id2label.',
  );

export const labelNamesCount = (path: string, received: number, output: string, expected: number) =>
  user(
    'LABEL_NAMES_COUNT',
    `${path} has ${received} class names; output "${output}" scores ${expected} classes.`,
    'Give one name for each class, in the order of the output.',
  );

export const outputHoldsInput = (output: string, what: string) =>
  user(
    'OUTPUT_HOLDS_INPUT',
    `${output} holds ${what}; a bundle replaces its folder as a whole.`,
    'Choose a folder of its own with -o.',
  );

export const runtimeNotBuilt = () =>
  environment(
    'RUNTIME_NOT_BUILT',
    'The demo page needs edgepress-runtime, which this copy of edgepress was not built with.',
    'Run npm run build, or pass --no-demo.',
  );

export const parityInputs = (file: string, reason: string) =>
  user(
    'PARITY_INPUTS',
    `${file} does not run on made-up inputs, so its variants can't be checked: ${reason}`,
    'Pass real ones with --data.',
  );

export const noVariant = (reasons: readonly string[]) =>
  new Diagnostic(
    'NO_VARIANT',
    'gate',
    `No variant of the model agrees with the original within the budget (${reasons.join('; ')}).`,
    'Lower --min-agreement or --min-sqnr, or pass other --data.',
  );

/** @param reason  why LiteRT can't have the model */
export const litertAsked = ({ code, kind, message, hint }: Diagnostic) =>
  new Diagnostic(
    code,
    kind,
    message,
    `${hint}${hint?.endsWith('.') ? ' Or' : ' – or'} leave litert out of --targets.`,
  );

export const bundleMissing = (folder: string, why: string) =>
  user(
    'BUNDLE_NOT_FOUND',
    `${folder} is not a bundle: ${why}.`,
    'Pass the folder that compress bundle made; it holds edgepress.json.',
  );

export const bundleUnreadable = (file: string, what: string) =>
  user(
    'BUNDLE_UNREADABLE',
    `${file} does not describe a bundle: ${what}.`,
    'Make the bundle again with compress bundle.',
  );
