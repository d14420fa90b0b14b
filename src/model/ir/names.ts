/** Fresh names; the one place that makes them, so that none collide. */
import type { NameScope } from './model.ts';

export const createNameScope = (): NameScope => ({ taken: new Set(), next: new Map() });

/** `base`, or `base_1`, `base_2` … when that is taken; the result is taken from now on. */
export function freshName(scope: NameScope, base: string): string {
  if (base !== '' && !scope.taken.has(base)) return taken(scope, base);
  const stem = base || 'value';
  let i = scope.next.get(stem) ?? 1;
  while (scope.taken.has(`${stem}_${i}`)) i++;
  scope.next.set(stem, i + 1);
  return taken(scope, `${stem}_${i}`);
}

function taken(scope: NameScope, name: string): string {
  scope.taken.add(name);
  return name;
}

/** Registers a name that a file brings along. */
export const takeName = (scope: NameScope, name: string) => {
  if (name !== '') scope.taken.add(name);
};

/** Makes a name free again: what had it is gone. */
export function releaseName(scope: NameScope, name: string): void {
  scope.taken.delete(name);
  const [, stem, number] = /^(.*)_(\d+)$/s.exec(name) ?? [];
  const next = stem === undefined ? undefined : scope.next.get(stem);
  if (next !== undefined) scope.next.set(stem!, Math.min(next, Math.max(1, Number(number))));
}

/** `heir` takes the name of `gone`, which leaves the model; the name that it had until now is free again. */
export function inheritName(scope: NameScope, heir: { name: string }, gone: { name: string }): void {
  [heir.name, gone.name] = [gone.name, heir.name];
  releaseName(scope, gone.name);
}
