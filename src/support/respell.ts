/** What messages call options, in the words of a call. Messages are written as a command line has it ("--max-drop 1"), which most
 *  people read; whoever calls from a program reads the fields of the request there (maxDrop: 1). */
import type { z } from 'zod';
import { Diagnostic } from './diagnostics.ts';
import { choicesOf, fieldsOf, type RequestField } from './field.ts';

/** Commands that a text advises to type stay as they are, up to the end of their clause. */
const typedCommand =
  /compress (?:inspect|compare|check|evaluate|recipe|passes|distill|finetune|bundle)\b.*?(?=[;,)]|\.(?:\s|$)|$)/;

/** An option, and what may be its value: <something>, a word or a number. */
const option = /(?<![\w-])(--[a-z][\w-]*|-o)(?: <([^>]+)>| (\w+(?:\.\w+)*))?/;

const parts = new RegExp(`${typedCommand.source}|${option.source}`, 'g');

/** @param request  whose fields are meant; options that it has none for stay as they are
 *  @example
 *  inFields('Leave --max-drop 1 out, or pass --no-compare.', compressRequest)
 *  // 'Leave maxDrop: 1 out, or pass compare: false.' */
export function inFields(text: string, request: z.ZodObject): string {
  const fields = fieldsOf(request);
  return text.replace(parts, (all: string, flag?: string, placeholder?: string, value?: string) => {
    const f = flag === undefined ? undefined : fields.find((one) => isNamed(one, flag));
    if (!f || flag === undefined) return all;
    if (flag.startsWith('--no-')) return `${f.key}: false${rest(all, flag)}`;
    if (placeholder !== undefined) return `"${f.key}" (${placeholder})`;
    const given = value === undefined ? null : literal(f, value);
    return given === null ? `"${f.key}"${rest(all, flag)}` : `${f.key}: ${given}`;
  });
}

const rest = (all: string, flag: string) => all.slice(flag.length);

/** '--checkpoint' and '--no-checkpoint' for "--checkpoint <folder>"; '-o' and '--output' for "-o, --output <path>". */
const isNamed = ({ meta }: RequestField, flag: string): boolean => {
  const own: readonly string[] = meta.flags.match(/(?<![\w-])--?[\w-]+/g) ?? [];
  return own.includes(flag) || (meta.off !== undefined && own.includes(flag.replace('--no-', '--')));
};

/** A word as the value of a field; null where it only goes on with the sentence. */
function literal({ schema }: RequestField, word: string): string | null {
  if (choicesOf(schema).includes(word)) return /^[\d.]+$/.test(word) ? word : `'${word}'`;
  return /^\d+(\.\d+)?$/.test(word) ? word : null;
}

/** What `work` gives; where it is refused, in the words of a call. @throws what `work` throws */
export async function inCallWords<T>(request: z.ZodObject, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Diagnostic ? respelled(error, request) : error;
  }
}

function respelled(error: Diagnostic, request: z.ZodObject): Diagnostic {
  const { code, kind, message, hint, cause, stack } = error;
  const said = new Diagnostic(
    code,
    kind,
    inFields(message, request),
    hint === undefined ? undefined : inFields(hint, request),
    cause,
  );
  if (stack !== undefined) said.stack = stack.replace(message, said.message);
  return said;
}
