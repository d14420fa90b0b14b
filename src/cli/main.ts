#!/usr/bin/env node
/** `compress` and `edgepress`. What takes time is done in a child process, which is this program again. */
import { runProgram } from './program.ts';
import { supervise, supervisor } from './supervise.ts';

// A reader that has seen enough (| head) is not a failure.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    // What was to be read there is lost, whatever the work itself came to.
    if (stream === process.stdout)
      import('./failure.ts').then(({ reportLostOutput }) => process.exit(reportLostOutput(error)));
  });
const above = supervisor();
if (above) (await import('./interrupt.ts')).hearParent(above);
const code = await runProgram(process.argv, above ? undefined : supervise);
if (code !== undefined) process.exitCode = code;
