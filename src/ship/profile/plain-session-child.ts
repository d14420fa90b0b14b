/** Entry of the child process that plain-session.ts starts: opens one file as anybody would, and says how that went. */
import { loadNativeRuntime } from '../../compute/engine/onnxruntime-node.ts';

process.once('message', (path: string) => {
  open(path)
    .catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
    .then((refusal) => process.send?.({ refusal }, () => process.exit(0)));
});
// The parent is gone: nobody waits for the answer.
process.once('disconnect', () => process.exit(0));

async function open(path: string): Promise<null> {
  const runtime = await loadNativeRuntime();
  await (await runtime.InferenceSession.create(path, { logSeverityLevel: 4 })).release();
  return null;
}
