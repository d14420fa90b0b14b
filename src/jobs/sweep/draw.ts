/** The recipes that a sweep asks for: every combination of its grids, and what is drawn from its space. */
import { createRandom, type Random } from '../../support/random.ts';
import { type JobRecipe, normalised } from './recipe.ts';
import type { SweepFile, SweptModel } from './sweep-file.ts';

type Values = Readonly<Record<string, readonly unknown[] | undefined>>;
type Space = NonNullable<SweepFile['random']>['space'];
type Choices = Exclude<Space[string], undefined>;

/** The same for the same sweep, in the order of its file. @param model  whose own fixed fields come first */
export function recipesOf({ fixed, grid, random }: SweepFile, model: Pick<SweptModel, 'fixed'>): JobRecipe[] {
  const common = { ...fixed, ...model.fixed };
  const grids = [grid ?? []].flat().flatMap((one) => combinations(one));
  const drawn = random ? draws(random) : [];
  const varied = grid || random ? [...grids, ...drawn] : [{}];
  return varied.map((one) => normalised({ ...common, ...one }));
}

/** The last field varies fastest. */
function combinations(values: Values): JobRecipe[] {
  return Object.entries(values).reduce<JobRecipe[]>(
    (found, [key, choices = []]) =>
      found.flatMap((one) => choices.map((value) => withField(one, key, value))),
    [{}],
  );
}

const withField = (recipe: JobRecipe, key: string, value: unknown): JobRecipe =>
  value === null || value === undefined ? recipe : { ...recipe, [key]: value };

function draws({ jobs, seed, space }: NonNullable<SweepFile['random']>): JobRecipe[] {
  const random = createRandom(seed);
  return Array.from({ length: jobs }, () =>
    Object.entries(space).reduce<JobRecipe>(
      (recipe, [key, choices]) => (choices ? withField(recipe, key, draw(choices, random)) : recipe),
      {},
    ),
  );
}

function draw(choices: Choices, random: Random): unknown {
  if (Array.isArray(choices)) return choices[random.integer(choices.length)];
  const { from, to, step, log } = choices as Exclude<Choices, readonly unknown[]>;
  const share = random.next();
  const value = log ? from * (to / from) ** share : from + share * (to - from);
  // Ten digits: two machines may differ in the last ones of a power.
  const stepped = step === undefined ? value : from + Math.round((value - from) / step) * step;
  return Number(Math.min(stepped, Math.max(from, to)).toPrecision(10));
}
