/** What a failure looks like: code, message, hint; never a stack trace unless EDGEPRESS_DEBUG is set. */
import pc from 'picocolors';
import { plain } from '../report/terminal.ts';
import { Diagnostic, exitCodes } from '../support/diagnostics.ts';

/** Prints to stderr. @returns the exit code */
export function reportFailure(error: unknown): number {
  if (isAbort(error)) {
    console.error('Stopped. Nothing was written.');
    return 130;
  }
  const known = error instanceof Diagnostic ? error : unexpected(error);
  const colour = process.stderr.isTTY && !process.env['NO_COLOR'];
  const { red, bold, dim } = pc.createColors(Boolean(colour));
  console.error(`\n${red('✖')} ${bold(known.code)}  ${plain(known.message)}`);
  if (known.hint) console.error(`  ${plain(known.hint)}`);
  const code = exitCodes[known.kind];
  console.error(dim(`  (exit ${code}; nothing was written)`));
  if (process.env['EDGEPRESS_DEBUG']) console.error(error);
  return code;
}

const isAbort = (error: unknown) => error instanceof Error && error.name === 'AbortError';

const unexpected = (error: unknown) =>
  new Diagnostic(
    'UNEXPECTED',
    'internal',
    error instanceof Error ? error.message : String(error),
    'This is a bug in edgepress. EDGEPRESS_DEBUG=1 shows where; please report it with the model.',
    error,
  );
