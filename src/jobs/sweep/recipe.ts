/** What of a request to compress a job may hold: plain choices. No path, nothing that is loaded as code, nothing that depends on how
 *  fast a machine is while others work on it. */
import { z } from 'zod';
import { checkCompress } from '../../compress/check-request.ts';
import { recipeSchema } from '../../compress/pipeline/recipe.ts';
import { type CompressRequestInit, compressRequest } from '../../compress/request.ts';
import { canonicalJson } from '../../support/canonical-json.ts';
import { fieldsOf, partialRequest } from '../../support/field.ts';
import type { TargetName } from '../../support/target.ts';

/** Given beside the recipe, by the content that they name. */
export const inputKeys = ['data', 'labels', 'testData', 'testLabels', 'preprocess', 'tokenizer'] as const;
export type InputKey = (typeof inputKeys)[number];

/** Of the job, not of its recipe: the first two; of the machine: the others. */
const others = [
  'seed',
  'target',
  'output',
  'force',
  'cache',
  'measure',
  'checkpoint',
  'gpu',
  'latency',
  'recipe',
  ...['auto', 'minimise', 'maxSize', 'maxLatency', 'time'],
];

const kept = Object.fromEntries(
  Object.entries(compressRequest.shape).filter(([key]) => ![...inputKeys, ...others].includes(key)),
);

/** Every field may be left out. A recipe of passes stands in it as such: passes are named, and edgepress's own. */
export const jobRecipeSchema = partialRequest(z.strictObject(kept)).extend({
  recipe: recipeSchema.optional().meta({ description: 'passes, as compress recipe prints them' }),
});
export type JobRecipe = Readonly<Record<string, unknown>>;

export const recipeFields = Object.keys(jobRecipeSchema.shape);

/** Found once: there may be a million jobs. */
let usual: ReadonlyMap<string, unknown> | undefined;

/** The same recipe in one form: what is the default anyway is left out. @throws ZodError */
export function normalised(recipe: unknown): JobRecipe {
  const parsed: Record<string, unknown> = jobRecipeSchema.parse(recipe);
  usual ??= new Map(fieldsOf(z.strictObject(kept)).map((f) => [f.key, f.default]));
  const defaults = usual;
  return Object.fromEntries(
    Object.entries(parsed).filter(
      ([key, value]) =>
        value !== undefined && canonicalJson(value) !== canonicalJson(defaults.get(key) ?? null),
    ),
  );
}

interface Choice {
  readonly target: TargetName;
  readonly seed: number;
  readonly inputs: Readonly<Partial<Record<InputKey, string>>>;
}

/** The request that a job's recipe stands for, with paths or words in the place of content.
 *  @throws what checkCompress throws */
export function requestOf(recipe: JobRecipe, { target, seed, inputs }: Choice): CompressRequestInit {
  const { recipe: passes, ...rest } = recipe as JobRecipe & Pick<CompressRequestInit, 'recipe'>;
  const fixed = { ...rest, ...inputs, measure: false } as CompressRequestInit;
  if (typeof passes !== 'object') return checked({ ...fixed, target, seed });
  const { calibration } = recipeSchema.parse(passes);
  return checked({ ...fixed, recipe: { ...passes, target, calibration: { ...calibration, seed } } });
}

function checked(request: CompressRequestInit): CompressRequestInit {
  checkCompress(request, 'field');
  return request;
}
