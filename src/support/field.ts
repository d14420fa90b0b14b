/** A field of a request: a zod schema whose metadata say how it is typed on a command line and what it is about. Values
 *  that several requests share are here, with the words that a wrong one is refused with. */
import { z } from 'zod';

type FieldGroup =
  | 'Precision'
  | 'Pruning'
  | 'Training'
  | 'Budget'
  | 'Auto'
  | 'Data'
  | 'Text'
  | 'Choice'
  | 'Target'
  | 'Output';

interface FieldMeta {
  /** As commander takes it: "--data <path>", "-o, --output <path>", "--int8 [mode]", "--no-compare". */
  readonly flags: string;
  /** Heading in the help; without one it stands among all options. */
  readonly group?: FieldGroup | undefined;
  readonly description: string;
  /** The default in words, where it follows from other things. */
  readonly fallback?: string;
  /** Fields that can't be given together with this one. */
  readonly conflicts?: readonly string[];
  /** What the field needs to have an effect; which words there are is up to the request's planner. */
  readonly needs?: string | readonly string[];
  /** Names a file or folder; a configuration file means one relative to itself. */
  readonly isPath?: boolean;
  /** Taken in place of a path. */
  readonly word?: string;
  /** On the command line, several values are one word with commas between. Without it the option is repeated. */
  readonly isList?: boolean;
  /** What `--no-…` is for, of a field that takes a value or false. */
  readonly off?: string;
  /** Understood, but not in the help. */
  readonly isHidden?: boolean;
}

/** The metadata of a field, for `.meta()`: `z.boolean().meta(field('Data', '--skip-bad', 'leave out …'))`. */
export const field = (
  group: FieldGroup | null,
  flags: string,
  description: string,
  more: Omit<FieldMeta, 'flags' | 'group' | 'description'> = {},
): FieldMeta & Record<string, unknown> => ({ flags, group: group ?? undefined, description, ...more });

export interface RequestField {
  readonly key: string;
  readonly schema: z.ZodType;
  readonly meta: FieldMeta;
  /** undefined: none that is always the same. */
  readonly default: unknown;
  readonly isRequired: boolean;
}

/** The fields of a request in the order in which help lists them. */
export const fieldsOf = (request: z.ZodObject): RequestField[] =>
  Object.entries(request.shape as Record<string, z.ZodType>).map(([key, schema]) => {
    const absent = schema.safeParse(undefined);
    return {
      key,
      schema,
      meta: schema.meta() as unknown as FieldMeta,
      default: absent.data,
      isRequired: !absent.success,
    };
  });

/** The same request, in which nothing has to be given. */
export const partialRequest = (request: z.ZodObject): z.ZodObject =>
  z.strictObject(
    Object.fromEntries(
      Object.entries(request.shape as Record<string, z.ZodType>).map(([key, schema]) => [
        key,
        schema.optional().meta(schema.meta() ?? {}),
      ]),
    ),
  );

/** The schema inside of what makes it optional. */
export function innerOf(schema: z.ZodType): z.ZodType {
  const wrapped =
    schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault;
  return wrapped ? innerOf(schema.unwrap() as z.ZodType) : schema;
}

/** The words that a field can be, where there are only some; none where it can be more. */
export function choicesOf(schema: z.ZodType): string[] {
  const inner = innerOf(schema);
  if (inner instanceof z.ZodEnum) return inner.options.map(String);
  if (inner instanceof z.ZodLiteral) return [...inner.values].map(String);
  if (inner instanceof z.ZodArray) return choicesOf(inner.element as z.ZodType);
  if (!(inner instanceof z.ZodUnion)) return [];
  const members = (inner.options as z.ZodType[]).filter((o) => !(o instanceof z.ZodBoolean));
  const choices = members.map(choicesOf);
  return choices.every((c) => c.length > 0) ? choices.flat() : [];
}

const { MAX_SAFE_INTEGER } = Number;
const whole = (least: number, error: string) =>
  z.number(error).int(error).min(least, error).max(MAX_SAFE_INTEGER, error);

export const wholeNumber = whole(0, 'A whole number from 0 up was expected.');
export const positive = whole(1, 'A whole number from 1 up was expected.');
/** A share of 100. */
export const percentage = numberBetween(0, 100, 'A percentage from 0 to 100 was expected.');
/** 0.7 or 1e-4. */
export const nonNegative = numberBetween(0, Number.MAX_VALUE, 'A number from 0 up was expected.');
/** A share above 0, at most 1. */
export const share = numberBetween(0, 1, 'A number above 0 and at most 1 was expected.').gt(
  0,
  'A number above 0 and at most 1 was expected.',
);
/** What "all" becomes: more than there can be. */
export const allOfThem = MAX_SAFE_INTEGER;
const allWord = z.literal('all').transform(() => allOfThem);
const countError = 'A whole number or "all" was expected.';
export const wholeNumberOrAll = z.union([wholeNumber, allWord], { error: countError });
export const positiveOrAll = z.union([positive, allWord], { error: countError });

function numberBetween(least: number, most: number, error: string) {
  return z.number(error).min(least, error).max(most, error);
}

/** The value, or a text that says it: "flip,crop=4" for { flip: true, crop: 4 }.
 *  @param read  undefined for what it can't read */
export const orText = <S extends z.ZodType>(schema: S, read: (text: string) => unknown, error: string) =>
  z.union([schema, z.string().transform((text, context) => readInto(schema, read(text), error, context))], {
    error,
  });

function readInto<S extends z.ZodType>(
  schema: S,
  value: unknown,
  message: string,
  context: z.core.$RefinementCtx,
): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}
