/** Entry of the child process that trial.ts starts: opens and runs one model after the other, and tells of each. */
import { openEngine } from '../../compute/engine/open.ts';
import { endWithParent } from '../../support/end-with-parent.ts';
import { failureOf, fromWire, toWire } from './isolated-messages.ts';
import { sourceFor } from './model-files.ts';
import type { TrialMessage, TrialTask } from './trial-messages.ts';

process.once('message', (task: TrialTask) => {
  perform(task).then(() => process.exit(0));
});
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
      const outputs = [];
      for (const feeds of runs) outputs.push(toWire(await session.run(fromWire(feeds))));
      await tell({ outputs });
      await session.close();
    } catch (error) {
      await tell({ failed: failureOf(error) });
    }
  }
}
