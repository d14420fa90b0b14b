/** Entry of the measuring page: takes one task from its own server, answers once. */
import { encodeFrame } from './frame.ts';
import type { PageTask } from './messages.ts';
import { performTask } from './task.ts';

const say = (text: string) => {
  document.title = text;
  document.body.textContent = text;
};

async function main(): Promise<void> {
  const task = (await (await fetch('task')).json()) as PageTask;
  const answer = await performTask(task, say, () => fetch('ready', { method: 'POST' }));
  await fetch('answer', { method: 'POST', body: encodeFrame(answer) });
  say('done');
}

void main();
