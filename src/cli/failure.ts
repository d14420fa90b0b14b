/** What a failure looks like: code, message, hint; never a stack trace unless EDGEPRESS_DEBUG is set. */
import type { CommanderError } from 'commander';
import pc from 'picocolors';
import { plain } from '../judge/report/terminal.ts';
import { commandUnknown, usage } from '../support/diagnostics/command-line.ts';
import { fileProblem, outputLost } from '../support/diagnostics/files.ts';
import { Diagnostic, exitCodes, nearest } from '../support/diagnostics.ts';
import { hasParent } from './interrupt.ts';
import { hasPrintedJson, printJson } from './print-json.ts';

/** Of what could not be written to standard output. @returns the exit code */
export const reportLostOutput = (error: unknown): number =>
  show(outputLost(error), 'files are as the command left them');

/** Prints to stderr; with --json the same as a document to stdout, where none is yet. @returns the exit code */
export function reportFailure(error: unknown): number {
  if (isAbort(error)) {
    // Where a parent watches, it says so when this process is gone: once, whether that went by itself or not.
    if (!hasParent()) console.error('Stopped. Nothing was written.');
    return 130;
  }
  const known = error instanceof Diagnostic ? error : unexpected(error);
  const code = show(known, 'nothing was written');
  if (process.argv.includes('--json') && !hasPrintedJson())
    printJson({ error: { code: known.code, message: known.message, hint: known.hint ?? null, exit: code } });
  if (process.env['EDGEPRESS_DEBUG']) console.error(error);
  return code;
}

function show(known: Diagnostic, state: string): number {
  const colour = process.stderr.isTTY && !process.env['NO_COLOR'];
  const { red, bold, dim } = pc.createColors(Boolean(colour));
  console.error(`\n${red('✖')} ${bold(known.code)}  ${clean(known.message)}`);
  if (known.hint) console.error(`  ${clean(known.hint)}`);
  const code = exitCodes[known.kind];
  console.error(dim(`  (exit ${code}; ${state})`));
  return code;
}

/** Messages quote names from files; their own line breaks stay. */
const clean = (text: string) => text.split('\n').map(plain).join('\n  ');

const isAbort = (error: unknown) => error instanceof Error && error.name === 'AbortError';

/** A disk that is full where nobody thought of it, of temporary files as a rule, is no bug. */
const unexpected = (error: unknown) => {
  const { code = '', path = 'a temporary file' } = (error ?? {}) as NodeJS.ErrnoException;
  return ['ENOSPC', 'EDQUOT'].includes(code) ? fileProblem(path, 'write', error) : bug(error);
};

const bug = (error: unknown) =>
  new Diagnostic(
    'UNEXPECTED',
    'internal',
    error instanceof Error ? error.message : String(error),
    'This is a bug in edgepress. EDGEPRESS_DEBUG=1 shows where; please report it with the model.',
    error,
  );

/** A command line that commander refuses, as a diagnostic: 'commander.unknownOption' becomes UNKNOWN_OPTION.
 *  @param words  the arguments that are not options; @param commands  what the first of them could have been
 *  @param options  those of the command, without dashes */
export function usageFailure(
  error: CommanderError,
  words: readonly string[],
  commands: readonly string[],
  options: readonly string[],
): Diagnostic {
  const last = words.at(-1) ?? '';
  if (error.code === 'commander.help') return commandUnknown(last, nearest(last, commands));
  const code = error.code.replace('commander.', '').replace(/[A-Z]/g, '_$&').toUpperCase();
  const [first = ''] = error.message.replace(/^error: /, '').split('\n');
  const command = commands.find((name) => name === words[0]);
  const unknown = /unknown option '--([\w-]+)/.exec(first)?.[1];
  const choice = /argument '(.*)' is invalid\. Allowed choices are (.+)\.$/.exec(first);
  const option = unknown && nearest(unknown, options);
  const meant =
    (option ? `--${option}` : undefined) ??
    (choice ? nearestChoice(choice[1]!.split(','), choice[2]!.split(', ')) : undefined) ??
    (words.length > 1 && !command ? nearest(words[0]!, commands) : undefined);
  const message = `${first.slice(0, 1).toUpperCase()}${first.slice(1).replace(/\.$/, '')}.`;
  const help = command ? `compress ${command} --help` : 'compress --help';
  return usage(code, message, meant ? `Did you mean ${meant}?` : `${help} shows the options.`);
}

/** Of several values, what the first wrong one may have meant. */
function nearestChoice(typed: readonly string[], choices: readonly string[]): string | undefined {
  const wrong = typed.map((word) => word.trim()).find((word) => !choices.includes(word));
  return wrong === undefined ? undefined : nearest(wrong, choices);
}

/** `compress inspekt` is a missing file to us; the reader may have meant a command. */
export function withCommandHint(
  error: unknown,
  words: readonly string[],
  commands: readonly string[],
): unknown {
  if (!(error instanceof Diagnostic) || error.code !== 'FILE_NOT_FOUND' || words.length !== 1) return error;
  const meant = nearest(words[0]!, commands);
  return meant ? usage(error.code, error.message, `Did you mean the command ${meant}?`) : error;
}
