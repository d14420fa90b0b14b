/** Fresh names; the one place that makes them, so that none collide. */
import type { NameScope } from './model.ts';

export const createNameScope = (): NameScope => ({ taken: new Set() });

/** `base`, or `base_1`, `base_2` … when that is taken; the result is taken from now on. */
export function freshName(scope: NameScope, base: string): string {
  let name = base;
  for (let i = 1; name === '' || scope.taken.has(name); i++) name = `${base || 'value'}_${i}`;
  scope.taken.add(name);
  return name;
}

/** Registers a name that a file brings along. */
export const takeName = (scope: NameScope, name: string) => {
  if (name !== '') scope.taken.add(name);
};

/** Makes a name free again: what had it is gone. */
export const releaseName = (scope: NameScope, name: string) => scope.taken.delete(name);

/** `heir` takes the name of `gone`, which leaves the model; the name that it had until now is free again. */
export function inheritName(scope: NameScope, heir: { name: string }, gone: { name: string }): void {
  [heir.name, gone.name] = [gone.name, heir.name];
  releaseName(scope, gone.name);
}
