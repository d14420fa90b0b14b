/** Classes from folder names: photos/cat/1.jpg, photos/dog/2.jpg. */

export interface ClassLabels {
  /** Class index of each file, in the order given. */
  readonly labels: readonly number[];
  /** Class names by index. */
  readonly classes: readonly string[];
  /** How the numbers came about, in plain words. */
  readonly how: string;
}

const splitNames = new Set(['train', 'training', 'val', 'valid', 'validation', 'test', 'testing', 'eval']);

/** Labels from the first folder below the one all files share; folders named after splits (train, val,
 *  test) are not classes.
 *  Names are numbered in sorted order; names that are whole numbers are class indices themselves.
 *  @param names  relative paths with forward slashes
 *  @returns null when there are fewer than two classes, or files beside the class folders */
export function classesFromFolders(names: readonly string[]): ClassLabels | null {
  let folders = names.map((name) => name.split('/').slice(0, -1));
  while (folders.length > 0 && folders.every((f) => f.length > 0) && isOuter(folders))
    folders = folders.map((f) => f.slice(1));
  if (folders.some((f) => f.length === 0)) return null;
  const found = [...new Set(folders.map((f) => f[0]!))].sort();
  if (found.length < 2) return null;
  if (found.every((name) => /^\d{1,6}$/.test(name))) {
    const labels = folders.map((f) => Number(f[0]));
    const classes = Array.from({ length: Math.max(...labels) + 1 }, (_, i) => String(i));
    return { labels, classes, how: `class indices from the ${found.length} folder names` };
  }
  const index = new Map(found.map((name, i) => [name, i]));
  return {
    labels: folders.map((f) => index.get(f[0]!)!),
    classes: found,
    how: `classes numbered in alphabetical order of the ${found.length} folders (${found[0]} is 0)`,
  };
}

function isOuter(folders: readonly (readonly string[])[]) {
  const names = new Set(folders.map((f) => f[0]!));
  const deeper = folders.every((f) => f.length > 1);
  return names.size === 1 || (deeper && [...names].every((name) => splitNames.has(name.toLowerCase())));
}
