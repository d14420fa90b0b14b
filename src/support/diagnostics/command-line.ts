/** Messages about what was asked for: command lines, configuration files, calls. */
import { user } from '../diagnostics.ts';

export const optionWithoutEffect = (option: string, needs: string) =>
  user(
    'OPTION_WITHOUT_EFFECT',
    `${option} has no effect without ${needs}.`,
    'Leave it out, or add what it needs.',
  );

/** @param meant  the known name that it could have been */
export const optionUnknown = (name: string, meant: string | undefined, known: readonly string[]) =>
  user(
    'UNKNOWN_OPTION',
    `Unknown option "${name}".`,
    meant ? `Did you mean "${meant}"?` : `There are ${known.join(', ') || 'none'}.`,
  );

export const commandUnknown = (name: string, meant: string | undefined) =>
  user(
    'UNKNOWN_COMMAND',
    `There is no command ${name}.`,
    meant ? `Did you mean ${meant}?` : 'compress --help lists them.',
  );

export const optionInvalid = (option: string, why: string, meant?: string) =>
  user('INVALID_ARGUMENT', `${option}: ${why}`, meant && `Did you mean ${meant}?`);

export const optionMissing = (option: string) =>
  user(
    'MISSING_MANDATORY_OPTION_VALUE',
    `${option} is needed.`,
    option === '--data'
      ? 'Pass a folder of samples or a .npz file.'
      : `Add ${option}; --help says what it takes.`,
  );

export const optionConflict = (option: string, other: string) =>
  user('CONFLICTING_OPTION', `${option} cannot be used with ${other}.`, 'Leave one of them out.');

/** @param step  what was planned: "prune", "train" */
export const notInPage = (step: string) =>
  user(
    'NOT_IN_PAGE',
    `What was asked for includes the step ${step}, which a page can't do.`,
    'Do that with edgepress in Node, and compress its result here.',
  );

/** A command line that doesn't parse. @param code  what is wrong with it, as UNKNOWN_OPTION */
export const usage = (code: string, message: string, hint?: string) => user(code, message, hint);
