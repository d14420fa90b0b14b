/** The process that runs targets and may die of it: takes a case, answers what became of it. */
import { EdgepressError } from '../../src/runtime/errors.ts';
import { Diagnostic } from '../../src/support/diagnostics.ts';
import type { Case, Outcome } from './case.ts';
import { targets } from './targets.ts';
import { watchWork } from './watch-work.ts';

/** More of it for one small file is a finding. */
const mostGrowthBytes = 600e6;

async function outcomeOf({ target, bytes }: Case): Promise<Outcome> {
  const before = process.resourceUsage().maxRSS;
  try {
    await targets[target]!.run(bytes);
  } catch (error) {
    if (error instanceof Diagnostic && error.kind === 'internal')
      return { kind: 'failed', what: error.stack ?? error.message };
    if (!(error instanceof Diagnostic || error instanceof EdgepressError))
      return {
        kind: 'failed',
        what: error instanceof Error ? (error.stack ?? error.message) : String(error),
      };
  }
  const grown = (process.resourceUsage().maxRSS - before) * 1024;
  return grown > mostGrowthBytes
    ? { kind: 'failed', what: `memory grew by ${Math.round(grown / 1e6)} MB` }
    : { kind: 'fine' };
}

const watch = watchWork(Number(process.argv[2]));
process.on('message', (one: Case) => {
  watch.begin();
  outcomeOf(one).then((outcome) => {
    watch.end();
    process.send!(outcome);
  });
});
process.send!({ kind: 'fine' } satisfies Outcome);
