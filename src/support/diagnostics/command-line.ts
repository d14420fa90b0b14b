/** Messages of command lines. */
import { user } from '../diagnostics.ts';

export const optionWithoutEffect = (option: string, needs: string) =>
  user(
    'OPTION_WITHOUT_EFFECT',
    `${option} has no effect without ${needs}.`,
    'Leave it out, or add what it needs.',
  );

/** A command line that doesn't parse. @param code  what is wrong with it, as UNKNOWN_OPTION */
export const usage = (code: string, message: string, hint?: string) => user(code, message, hint);
