/** A sweep as data: models with their data, and what of each is to be made for which targets. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { deviceClasses } from '../../support/device-class.ts';
import { sweepInvalid } from '../../support/diagnostics/sweep.ts';
import { messageOf, nearest } from '../../support/diagnostics.ts';
import { positive, wholeNumber } from '../../support/field.ts';
import { readProblem } from '../../support/read-problem.ts';
import { targetNames } from '../../support/target.ts';
import { isUrl } from '../../support/url.ts';
import { type InputKey, inputKeys, jobRecipeSchema } from './recipe.ts';

const about = (description: string) => ({ description });
const shape = jobRecipeSchema.shape as Record<string, z.ZodType>;
const each = <T extends z.ZodType>(make: (field: z.ZodType) => T) =>
  Object.fromEntries(Object.entries(shape).map(([key, field]) => [key, make(field)])) as Record<string, T>;

const fixed = z
  .strictObject(each((field) => field.optional()))
  .meta(about('fields of compress that every job has'));

const grid = z
  .strictObject(each((field) => z.array(field.nullable()).min(1).optional()))
  .meta(about('fields of compress, each with its values; null leaves the field out'));

const span = z.strictObject({
  from: z.number(),
  to: z.number(),
  step: z
    .number()
    .positive()
    .optional()
    .meta(about('values are this far apart; without, any number between')),
  log: z.boolean().default(false).meta(about('equal shares of the logarithm')),
});

const random = z
  .strictObject({
    jobs: positive.meta(about('recipes to draw')),
    seed: wholeNumber.default(0),
    space: z.strictObject(each((field) => z.union([z.array(field.nullable()).min(1), span]).optional())),
  })
  .meta(about('recipes drawn from a space: of each field one of its values, or a number of a span'));

const latency = z
  .union([z.boolean(), z.array(z.enum(deviceClasses)).min(1)])
  .meta(about('times of results beside their originals, on these kinds of devices; true: on the target'));

const model = z.strictObject({
  model: z.string().min(1),
  name: z.string().min(1).optional().meta(about("in tables; the file's by default")),
  ...(Object.fromEntries(
    inputKeys.map((key) => [key, z.string().min(1).optional().meta(about('as the option of compress'))]),
  ) as Record<InputKey, z.ZodOptional<z.ZodString>>),
  fixed: fixed.optional(),
  latency: latency.optional(),
});

export const sweepFileSchema = z.strictObject({
  $schema: z.string().optional(),
  edgepress: z.literal('sweep@1').meta(about('format of this file')),
  models: z
    .array(z.union([z.string().min(1), model]))
    .min(1)
    .meta(about('paths are relative to this file')),
  targets: z.array(z.enum(targetNames)).min(1).default(['wasm']),
  seeds: z.array(wholeNumber).min(1).default([0]),
  fixed: fixed.optional(),
  grid: z
    .union([grid, z.array(grid).min(1)])
    .optional()
    .meta(about('every combination, of each grid')),
  random: random.optional(),
  latency: latency.default(false),
});
export type SweepFile = z.output<typeof sweepFileSchema>;
export type SweptModel = z.output<typeof model>;

/** JSON Schema (draft 2020-12) of a sweep's file. */
export const sweepFileJsonSchema = (): Record<string, unknown> => ({
  $id: 'urn:edgepress:sweep:1',
  title: 'edgepress sweep',
  ...z.toJSONSchema(sweepFileSchema, {
    target: 'draft-2020-12',
    io: 'input',
    unrepresentable: 'any',
    reused: 'ref',
    // What belongs to the command line.
    override: ({ jsonSchema }) => {
      for (const key of [
        'flags',
        'group',
        'fallback',
        'conflicts',
        'needs',
        'isPath',
        'isList',
        'isHidden',
        'off',
        'word',
      ])
        delete jsonSchema[key];
    },
  }),
});

export interface ReadSweep {
  /** For messages and reports. */
  readonly name: string;
  readonly sweep: SweepFile;
  /** That its paths are relative to. */
  readonly folder: string;
}

/** @throws FILE_NOT_FOUND …, SWEEP_INVALID naming the place */
export function readSweep(file: string): ReadSweep {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw readProblem(file, cause);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw sweepInvalid(file, '', `this is no JSON (${messageOf(cause)}).`, 'Mend its text.');
  }
  return { name: path.basename(file), sweep: parseSweep(json, file), folder: path.dirname(file) };
}

/** @param name  of the file, for messages @throws SWEEP_INVALID */
export function parseSweep(json: unknown, name = 'sweep'): SweepFile {
  const parsed = sweepFileSchema.safeParse(json);
  if (!parsed.success) throw refused(parsed.error.issues[0]!, name);
  const { sweep, url } = { sweep: parsed.data, url: modelsOf(parsed.data).find(({ model }) => isUrl(model)) };
  if (url)
    throw sweepInvalid(
      name,
      'models',
      `${url.model} is on the web.`,
      'Download it first, and name the file.',
    );
  return sweep;
}

export const modelsOf = ({ models }: SweepFile): SweptModel[] =>
  models.map((one) => (typeof one === 'string' ? { model: one } : one));

/** Of several readings, the one that came furthest says what is wrong. */
function refused(issue: z.core.$ZodIssue, name: string, at: readonly PropertyKey[] = []): Error {
  const where = [...at, ...issue.path];
  if (issue.code === 'invalid_union') {
    const readings = issue.errors.flatMap(([first]) => (first ? [first] : []));
    const deepest = readings.sort((a, b) => b.path.length - a.path.length)[0];
    if (deepest && (deepest.path.length > 0 || deepest.code === 'unrecognized_keys'))
      return refused(deepest, name, where);
  }
  if (issue.code !== 'unrecognized_keys')
    return sweepInvalid(name, placeText(where), `${issue.message}.`.replace('..', '.'));
  const [wrong = ''] = issue.keys;
  const meant = nearest(wrong, [
    ...Object.keys(shape),
    ...Object.keys(sweepFileSchema.shape),
    ...Object.keys(model.shape),
  ]);
  const what = `there is no "${wrong}" here.`;
  return sweepInvalid(name, placeText(where), what, meant && `Did you mean "${meant}"?`);
}

/** "grid.int8[1]" */
const placeText = (where: readonly PropertyKey[]): string =>
  where
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
    .join('');
