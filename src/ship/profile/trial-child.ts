/** Entry of the child process that trial.ts starts: opens and runs one model after the other, and tells of each; then it waits for
 *  more. */
import { openEngine } from '../../compute/engine/open.ts';
import { endWithParent } from '../../support/end-with-parent.ts';
import { failureOf, fromWire, toWire, type WireTensor } from './isolated-messages.ts';
import { sourceFor } from './model-files.ts';
import type { TrialMessage, TrialTask } from './trial-messages.ts';

process.on('message', perform);
// Nobody waits for the answer then.
endWithParent({ parent: process.ppid, code: 0 });

const tell = (message: TrialMessage) =>
  new Promise<void>((resolve) => {
    process.send!(message, () => resolve());
  });

async function perform({ engine: name, models }: TrialTask): Promise<void> {
  const engine = await openEngine(name);
  for (const { source, runs } of models) {
    try {
      const session = await engine.open(await sourceFor(engine, source), { threads: 1 });
      await tell({ opened: true });
      const outputs: WireTensor[][] = [];
      try {
        for (const feeds of runs) outputs.push(toWire(await session.run(fromWire(feeds))));
      } finally {
        await session.close();
      }
      await tell({ outputs });
    } catch (error) {
      await tell({ failed: failureOf(error) });
    }
  }
}
