/** Entry of the process that makes what a search has chosen, on all data, as its command would. */
import { endWithParent } from '../../support/end-with-parent.ts';
import { leftBehind } from '../../support/left-behind.ts';
import { askToCompress, carryOut } from '../compress.ts';
import { failureOf } from '../sweep/failure.ts';
import type { ProveAnswer, ProveTask } from './prove-messages.ts';

endWithParent({ parent: process.ppid, code: 1 });
const tell = (answer: ProveAnswer) => void process.send?.(answer);
leftBehind.tell = (folder) => tell({ kind: 'making', folder });

process.once('message', (task: ProveTask) => {
  prove(task).then(
    (files) => tell({ kind: 'done', files }),
    (error: unknown) => tell({ kind: 'failed', error: failureOf(error) }),
  );
});

async function prove({ model, request, command, output, search }: ProveTask): Promise<string[]> {
  const asked = await askToCompress(request, 'option');
  const events = {
    begin: (step: string) => tell({ kind: 'begin', step }),
    progress: (step: string, done: number, total: number) => tell({ kind: 'progress', step, done, total }),
    note: (step: string, text: string) => tell({ kind: 'note', step, text }),
    end: (step: string, text: string, ms: number) => tell({ kind: 'end', step, text, ms }),
  };
  const { report } = await carryOut(model, asked, { command, output, events, search });
  return report.files;
}
