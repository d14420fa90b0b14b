/** Which field of a request fills an option of a pass. The pass says so where it defines the option; who plans a recipe hands
 *  over the request's fields, and two facts (hasData; hasRealData, which noise isn't), and names no pass. */
import { z } from 'zod';
import type { Pass } from './pass.ts';
import { type Recipe, resolveRecipe } from './recipe.ts';

interface Source {
  readonly field: string;
  readonly value: (given: unknown) => unknown;
}

const sources = z.registry<Source>();

/** Least version of ai.onnx that the passes of a recipe need; a field as those of the request are. */
const leastOpset = 'leastOpset';

/** An option that a request's field fills.
 *  @param value  what the option gets; undefined leaves it as it was. Default: what was given */
export function filledBy<S extends z.ZodType>(
  schema: S,
  field: string,
  value: (given: unknown) => z.input<S> | undefined = (given) => given as z.input<S>,
): S {
  sources.add(schema, { field, value });
  return schema;
}

/** An option that is filled with the least version of ai.onnx that the recipe's passes need. */
export const filledByLeastOpset = <S extends z.ZodType<number | undefined, number | undefined>>(
  schema: S,
  value: (least: number) => number | undefined,
): S => filledBy(schema, leastOpset, (least) => value(least as number) as z.input<S> | undefined);

/** Options of a pass that acts on the nodes that a user chose (`selectNodes`). */
export const selectionOptions = {
  include: filledBy(z.array(z.string()).default([]), 'include'),
  exclude: filledBy(z.array(z.string()).default([]), 'exclude'),
};

/** Layers that compute in float so that a budget of quality is kept, by the names that reports have for them. */
export const inFloatOption = { inFloat: z.array(z.string()).default([]) };

/** Why these do. */
export const inFloatReason = 'float-for-the-quality-budget';

/** The fields that fill a pass's options, by option. */
export const fillingFields = (pass: Pass): Readonly<Record<string, string>> =>
  Object.fromEntries(sourcesOf(pass).map(([option, { field }]) => [option, field]));

/** The recipe with what a request says written into the options of the passes that want it.
 *  @param fields  of the request, by name; undefined is as if absent
 *  @throws PASS_UNKNOWN, RECIPE_INVALID */
export function fillOptions(
  recipe: Recipe,
  passes: ReadonlyMap<string, Pass>,
  fields: Readonly<Record<string, unknown>>,
): Recipe {
  const filled = filledWith(recipe, passes, fields);
  const needs = resolveRecipe(filled, passes).flatMap(({ steps }) =>
    steps.map(({ pass, options }) => pass.needs?.(options).opset ?? 0),
  );
  return filledWith(filled, passes, { [leastOpset]: Math.max(...needs) });
}

function filledWith(
  recipe: Recipe,
  passes: ReadonlyMap<string, Pass>,
  fields: Readonly<Record<string, unknown>>,
): Recipe {
  const given = (name: string) => {
    const pass = passes.get(name);
    const values = sourcesOf(pass).map(([option, { field, value }]) => [
      option,
      fields[field] === undefined ? undefined : value(fields[field]),
    ]);
    return Object.fromEntries(values.filter(([, value]) => value !== undefined));
  };
  const stages = recipe.stages.map((stage) => ({
    ...stage,
    passes: stage.passes.map(({ pass, options }) => ({ pass, options: { ...options, ...given(pass) } })),
  }));
  return { ...recipe, stages };
}

function sourcesOf(pass: Pass | undefined): [option: string, source: Source][] {
  if (!(pass?.options instanceof z.ZodObject)) return [];
  return Object.entries(pass.options.shape as Record<string, z.ZodType>).flatMap(([option, schema]) => {
    const source = sources.get(schema);
    return source ? [[option, source]] : [];
  });
}
