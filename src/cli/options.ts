/** A request's fields as options of a command line: from their metadata to what commander parses, and to the help. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { z } from 'zod';
import { choicesOf, fieldsOf, innerOf, type RequestField } from '../support/field.ts';
import { refusalOf } from '../support/parse-request.ts';

/** Adds an option for each field; those that `shown` leaves out are understood, but stay out of the help. */
export function addOptions(
  command: Command,
  request: z.ZodObject,
  shown: (field: RequestField) => boolean = (f) => !f.meta.isHidden,
): void {
  for (const f of fieldsOf(request))
    for (const option of [optionOf(f), ...offOf(f)]) command.addOption(option.hideHelp(!shown(f)));
}

/** Only what was typed. */
export function givenIn<S extends z.ZodObject>(command: Command, request: S): z.input<S> {
  const options: Record<string, unknown> = command.opts();
  return Object.fromEntries(
    command.options.flatMap((option) => {
      const name = option.attributeName();
      const isTyped = command.getOptionValueSource(name) === 'cli';
      const f = fieldsOf(request).find((field) => attributeOf(field) === name);
      return f && isTyped ? [[f.key, options[name]]] : [];
    }),
  ) as z.input<S>;
}

const attributeOf = (f: RequestField) => new Option(f.meta.flags).attributeName();

const optionOf = (f: RequestField): Option => {
  const option = new Option(f.meta.flags, descriptionOf(f));
  if (f.meta.group) option.helpGroup(`${f.meta.group}:`);
  return option.required || option.optional
    ? option.argParser((text, before: unknown) => readText(f, text, before))
    : option;
};

/** '--no-checkpoint' beside '--checkpoint <folder>'. */
const offOf = ({ meta }: RequestField): Option[] =>
  meta.off === undefined
    ? []
    : [new Option(meta.flags.replace(/^--([\w-]+).*/, '--no-$1'), meta.off).helpGroup(`${meta.group}:`)];

/** With the words that it takes, where it says not of all what they do. */
function described({ meta: { description }, schema }: RequestField): string {
  const choices = choicesOf(schema);
  if (choices.every((choice) => description.includes(choice))) return description;
  return `${description}: ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
}

function descriptionOf(f: RequestField): string {
  const description = described(f);
  const known = typeof f.default === 'number' || typeof f.default === 'string' ? `${f.default}` : undefined;
  const value = f.meta.fallback ?? known;
  return value === undefined ? description : `${description} (default: ${value})`;
}

function readText(f: RequestField, text: string, before: unknown): unknown {
  const isArray = innerOf(f.schema).def.type === 'array';
  if (!isArray) return accepted(f, readings(f, text));
  const words = f.meta.isList ? text.split(',').map((word) => word.trim()) : [text];
  const earlier = Array.isArray(before) ? before : [];
  const values = words.map((word) => readings(f, word));
  return accepted(
    f,
    [0, 1].map((k) => [...earlier, ...values.map((v) => v[k] ?? v[0])]),
  );
}

const numeric = /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** What a word can mean: itself, or a number. */
function readings(f: RequestField, text: string): unknown[] {
  const plain = f.meta.flags.includes('<percent>') ? text.replace(/%$/, '') : text;
  return numeric.test(plain) ? [text, Number(plain)] : [text];
}

function accepted(f: RequestField, candidates: readonly unknown[]): unknown {
  const found = candidates.find((value) => f.schema.safeParse(value).success);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(refusalOf(f, candidates.at(-1)));
}
