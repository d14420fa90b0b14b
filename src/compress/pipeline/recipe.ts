/** A recipe: which passes run, in which order, with which options. Plain data; presets are recipes in files. */
import { z } from 'zod';
import { passUnknown, recipeInvalid, recipePassUnknown } from '../../support/diagnostics/passes.ts';
import { nearest } from '../../support/diagnostics.ts';
import { targetNames } from '../../support/target.ts';
import type { Pass } from './pass.ts';

const step = z.strictObject({
  pass: z.string(),
  options: z.record(z.string(), z.unknown()).default({}),
});

export const recipeSchema = z.strictObject({
  /** Format of this file. */
  edgepress: z.literal(1),
  name: z.string(),
  /** What the result's file is called by, as in model.int8.onnx; the name where absent. */
  ending: z.string().min(1).optional(),
  target: z.enum(targetNames).default('wasm'),
  calibration: z
    .strictObject({
      /** Samples that ranges are taken from; never used to compare or evaluate. */
      samples: z.number().int().min(1).default(100),
      /** Of these, how many the search for MSE-optimal ranges runs over. */
      mseSamples: z.number().int().min(1).default(16),
      seed: z.number().int().default(0),
    })
    .prefault({}),
  stages: z.array(z.strictObject({ name: z.string(), passes: z.array(step).min(1) })).min(1),
});

export type Recipe = z.infer<typeof recipeSchema>;
export type RecipeInit = z.input<typeof recipeSchema>;

/** A step whose pass is known and whose options are valid and complete. */
export interface ResolvedStep {
  readonly pass: Pass;
  readonly options: object;
}

/** A recipe from JSON, checked.
 *  @example
 *  const recipe = parseRecipe(JSON.parse(text), 'my.json');
 *  @throws RECIPE_INVALID naming the place in `where` */
export function parseRecipe(json: unknown, where = 'recipe'): Recipe {
  const parsed = recipeSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw recipeInvalid(where, issueText(parsed.error, recipeSchema));
}

/** Looks up every pass and validates its options. `where` names the recipe's file in messages.
 *  @throws PASS_UNKNOWN, RECIPE_INVALID */
export function resolveRecipe(
  recipe: Recipe,
  passes: ReadonlyMap<string, Pass>,
  where?: string,
): { name: string; steps: ResolvedStep[] }[] {
  const names = [...passes.keys()];
  return recipe.stages.map((stage) => ({
    name: stage.name,
    steps: stage.passes.map(({ pass: name, options }) => {
      const pass = passes.get(name);
      if (!pass) throw where ? recipePassUnknown(where, name, names) : passUnknown(name, names);
      const parsed = pass.options.safeParse(options);
      if (!parsed.success)
        throw recipeInvalid(
          `${where ? `${where}: ` : ''}pass ${name}`,
          issueText(parsed.error, pass.options),
        );
      return { pass, options: parsed.data };
    }),
  }));
}

/** The recipe with every option written out, as `compress recipe` prints it. */
export function completeRecipe(recipe: Recipe, passes: ReadonlyMap<string, Pass>): Recipe {
  const stages = resolveRecipe(recipe, passes).map(({ name, steps }) => ({
    name,
    passes: steps.map(({ pass, options }) => ({ pass: pass.name, options: { ...options } })),
  }));
  return { ...recipe, stages };
}

/** The recipe with options of some passes changed, wherever they stand in it.
 *  @param change  from the options that a pass was given to those that it gets besides, or instead */
export const withPassOptions = (
  recipe: Recipe,
  passes: readonly string[],
  change: (given: Readonly<Record<string, unknown>>) => object,
): Recipe => ({
  ...recipe,
  stages: recipe.stages.map((stage) => ({
    ...stage,
    passes: stage.passes.map((p) =>
      passes.includes(p.pass) ? { ...p, options: { ...p.options, ...change(p.options) } } : p,
    ),
  })),
});

/** What a recipe gives a pass where it stands first; null: the pass isn't in it. */
export const passOptions = (recipe: Recipe, pass: string): Readonly<Record<string, unknown>> | null =>
  recipe.stages.flatMap(({ passes }) => passes).find((p) => p.pass === pass)?.options ?? null;

/** The stages before the first that has a pass, and those from it on; null: the pass isn't in the recipe. */
export function dividedAt(recipe: Recipe, pass: string): { before: Recipe | null; rest: Recipe } | null {
  const at = recipe.stages.findIndex(({ passes }) => passes.some((p) => p.pass === pass));
  if (at < 0) return null;
  return {
    before: at > 0 ? { ...recipe, stages: recipe.stages.slice(0, at) } : null,
    rest: { ...recipe, stages: recipe.stages.slice(at) },
  };
}

/** Names of the fields that an object may have at `path` of what a schema accepts; none where there is no object. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: z.core.JSONSchema.JSONSchema | undefined = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
  });
  for (const part of path) {
    const next: unknown = typeof part === 'number' ? at?.items : at?.properties?.[String(part)];
    at = typeof next === 'object' && next !== null ? (next as z.core.JSONSchema.JSONSchema) : undefined;
  }
  return Object.keys(at?.properties ?? {});
}

function issueText(error: z.ZodError, schema: z.ZodType): string {
  const issue = error.issues[0]!;
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!;
    const known = keysAt(schema, issue.path);
    const near = nearest(key, known);
    return `"${path ? `${path}.` : ''}${key}" is not an option (${near ? `did you mean "${near}"?` : `known: ${known.join(', ')}`})`;
  }
  return `${path ? `"${path}": ` : ''}${issue.message}`;
}
