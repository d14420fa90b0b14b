/** Which runs take turns, and what is done where they can't all at once. */
import type { Manifest } from '../../emit/manifest.ts';
import type { DeviceFacts, DoneRun, Run } from '../messages.ts';
import { baseOf, placeKey, runKey } from '../naming.ts';

/** What was measured alone at one place and has not taken turns there. The base comes first. */
export function groupsOf(done: Iterable<DoneRun>): Run[][] {
  const places = new Map<string, DoneRun[]>();
  for (const d of done) {
    if (d.outcome.kind !== 'measured') continue;
    places.set(placeKey(d.run), [...(places.get(placeKey(d.run)) ?? []), d]);
  }
  return [...places.values()].flatMap((here) => {
    const base = baseOf(here.map(({ run }) => run))!;
    const others = here.filter(({ run, against }) => run !== base && !against).map(({ run }) => run);
    return others.length > 0 ? [[base, ...others]] : [];
  });
}

/** All at once; else each with the first. A try that took the page down is not made again after the reload.
 *  @param measure  false where that could not be done */
export async function takeTurns(
  group: readonly Run[],
  { variants }: Pick<Manifest, 'variants'>,
  { memoryGb }: Pick<DeviceFacts, 'memoryGb'>,
  session: string,
  measure: (runs: readonly Run[]) => Promise<boolean>,
): Promise<void> {
  // Loading holds a file, the runtime's copy and its working form; a page gets half of the memory.
  const mostBytes = ((memoryGb ?? 4) * 2 ** 30) / 6;
  const bytesOf = ({ variant }: Run) => variants.find((v) => v.name === variant)?.bytes ?? 0;
  const attempt = async (runs: readonly Run[]) => {
    const fits = runs.reduce((sum, run) => sum + bytesOf(run), 0) <= mostBytes;
    return fits && isFirstTry(runs, session) && (await measure(runs));
  };
  if (await attempt(group)) return;
  const [base, ...others] = group;
  if (others.length > 1) for (const other of others) await attempt([base!, other]);
}

function isFirstTry(runs: readonly Run[], session: string): boolean {
  const key = `edgepress-lab-turns ${runs.map(runKey).join(' ')}`;
  try {
    if (sessionStorage.getItem(key) === session) return false;
    sessionStorage.setItem(key, session);
  } catch {
    // Without storage a reload starts a new session.
  }
  return true;
}
