/** The program in a process that is kept: starting one, and loading all that a command needs, takes longer than most commands.
 *  Each file of tests has one. */
import { type ChildProcess, fork } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { program } from './build.ts';
import type { Outcome } from './program.ts';

const script = fileURLToPath(new URL('kept-child.mjs', import.meta.url));

let child: ChildProcess | null = null;
let last: Promise<unknown> = Promise.resolve();

/** One after the other. @param cache  where the program keeps what it may use again */
export function runKept(args: readonly string[], folder: string, cache: string): Promise<Outcome> {
  const outcome = last.then(() => runIn(living(), { args, folder, cache }));
  last = outcome.catch(() => {});
  return outcome;
}

function living(): ChildProcess {
  if (child?.connected) return child;
  child = fork(script, [join(dirname(program), 'program.js')], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '' },
    execArgv: [],
  });
  for (const name of ['stdout', 'stderr'] as const) child[name]!.setEncoding('utf8');
  return child;
}

/** A process that ends by itself gives its code, or null where a signal ended it, and the next run gets another. */
function runIn(process: ChildProcess, task: object): Promise<Outcome> {
  const said = { stdout: '', stderr: '' };
  const ended = (name: 'stdout' | 'stderr') =>
    new Promise<void>((resolve) => {
      const stream = process[name]!;
      const listen = (chunk: string) => {
        said[name] += chunk;
        if (said[name].endsWith('\0')) finish();
      };
      const finish = () => {
        stream.off('data', listen).off('end', finish);
        said[name] = said[name].replace(/\0$/, '');
        resolve();
      };
      stream.on('data', listen).once('end', finish);
    });
  const code = new Promise<number | null>((resolve) => {
    const answered = (message: { code: number }) => settle(message.code);
    const settle = (value: number | null) => {
      process.off('message', answered).off('exit', settle);
      resolve(value);
    };
    process.on('message', answered).once('exit', settle);
  });
  process.send(task);
  return Promise.all([code, ended('stdout'), ended('stderr')]).then(([code]) => ({ code, ...said }));
}
