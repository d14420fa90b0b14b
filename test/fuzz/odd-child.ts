/** A child of the fuzzer that hangs, kills itself or exits as the first byte says. */
process.on('message', ({ bytes }: { readonly bytes: Uint8Array }) => {
  if (bytes[0] === 1) for (;;);
  if (bytes[0] === 2) process.kill(process.pid, 'SIGKILL');
  if (bytes[0] === 3) process.exit(9);
  process.send!({ kind: 'fine' });
});
process.send!({ kind: 'fine' });
