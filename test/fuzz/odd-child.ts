/** A child of the fuzzer that computes or waits without end, kills itself or exits as the first byte says. */
import { watchWork } from '../../scripts/fuzz/watch-work.ts';

const watch = watchWork(Number(process.argv[2]));
process.on('message', ({ bytes }: { readonly bytes: Uint8Array }) => {
  watch.begin();
  if (bytes[0] === 1) for (;;);
  if (bytes[0] === 2) process.kill(process.pid, 'SIGKILL');
  if (bytes[0] === 3) process.exit(9);
  watch.end();
  if (bytes[0] !== 4) process.send!({ kind: 'fine' });
});
process.send!({ kind: 'fine' });
