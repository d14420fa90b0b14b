/** Classes from folder names: photos/cat/1.jpg, photos/dog/2.jpg; and which number a name has. */

export interface ClassLabels {
  /** Class index of each file, in the order given. */
  readonly labels: readonly number[];
  /** Class names by index. */
  readonly classes: readonly string[];
  /** How the numbers came about, in plain words. */
  readonly how: string;
  /** Numbers follow the alphabet, since nothing says which the model gives a name: they are its own only where the names are all of its
   *  classes. */
  readonly inOrder?: boolean;
}

const splitNames = new Set(['train', 'training', 'val', 'valid', 'validation', 'test', 'testing', 'eval']);

/** Labels from the first folder below the one all files share; folders named after splits (train, val,
 *  test) are not classes.
 *  Names that are all classes of the model have its numbers; others are numbered in sorted order, or are class indices
 *  themselves where they are whole numbers.
 *  @param names  relative paths with forward slashes
 *  @param own  names of the model's classes by index, where it says them
 *  @returns null when there are fewer than two classes, or files beside the class folders */
export function classesFromFolders(names: readonly string[], own?: OwnClasses): ClassLabels | null {
  let folders = names.map((name) => name.split('/').slice(0, -1));
  while (folders.length > 0 && folders.every((f) => f.length > 0) && isOuter(folders))
    folders = folders.map((f) => f.slice(1));
  if (folders.some((f) => f.length === 0)) return null;
  const found = [...new Set(folders.map((f) => f[0]!))].sort();
  if (found.length < 2) return null;
  const named = folders.map((f) => f[0]!);
  const known = numberedByModel(named, own);
  if (known) return known;
  if (found.every((name) => /^\d{1,6}$/.test(name))) {
    const labels = named.map(Number);
    const classes = Array.from({ length: Math.max(...labels) + 1 }, (_, i) => String(i));
    return { labels, classes, how: `class indices from the ${found.length} folder names` };
  }
  return inOrder(named, found, `the ${found.length} folders`, own);
}

export type OwnClasses = readonly string[] | undefined;

/** Numbers of class names: those of the model where all are names of its classes, otherwise in alphabetical order.
 *  @param whose  where the names come from, in plain words */
export function numberNames(names: readonly string[], whose: string, own: OwnClasses): ClassLabels {
  return numberedByModel(names, own) ?? inOrder(names, [...new Set(names)].sort(), whose, own);
}

/** Matched as written, or else without regard to case and to what stands between words. Null where a name is none of the
 *  model's classes, or of two. */
function numberedByModel(names: readonly string[], own: OwnClasses): ClassLabels | null {
  if (!own) return null;
  const how = `classes numbered as the model names them (${own[0]} is 0)`;
  for (const way of [(name: string) => name, plain]) {
    const places = own.map(way);
    const index = new Map(places.map((name, i) => [name, i]));
    const labels = names.map((name) => index.get(way(name)) ?? -1);
    if (index.size === own.length && labels.every((label) => label >= 0))
      return { labels, classes: own, how };
  }
  return null;
}

const plain = (name: string) =>
  name
    .toLowerCase()
    .replace(/[\s_-]+/g, ' ')
    .trim();

function inOrder(
  names: readonly string[],
  classes: readonly string[],
  whose: string,
  own: OwnClasses,
): ClassLabels {
  const index = new Map(classes.map((name, i) => [name, i]));
  const strange = own && classes.find((name) => !own.some((other) => plain(other) === plain(name)));
  const reason =
    strange === undefined ? 'two of its names are alike' : `${strange} is not one of its ${own?.length}`;
  const why = own ? `, not as the model's own: ${reason}` : '';
  return {
    labels: names.map((name) => index.get(name)!),
    classes,
    how: `classes numbered in alphabetical order of ${whose} (${classes[0]} is 0)${why}`,
    inOrder: true,
  };
}

function isOuter(folders: readonly (readonly string[])[]) {
  const names = new Set(folders.map((f) => f[0]!));
  const deeper = folders.every((f) => f.length > 1);
  return names.size === 1 || (deeper && [...names].every((name) => splitNames.has(name.toLowerCase())));
}
