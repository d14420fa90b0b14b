/** Runs the program again and again in this process, each run as a new process would: its own arguments, folder and cache.
 *  argv[2] is the program's module. A zero byte on stdout and on stderr ends what a run printed. */
import { pathToFileURL } from 'node:url';

const { runProgram } = await import(pathToFileURL(process.argv[2]).href);
const [node, , program] = process.argv;

process.on('message', async ({ args, folder, cache }) => {
  process.chdir(folder);
  process.env.XDG_CACHE_HOME = cache;
  process.argv = [node, program, ...args];
  process.exitCode = undefined;
  const failed = await runProgram(process.argv);
  const code = failed ?? process.exitCode ?? 0;
  for (const stream of [process.stdout, process.stderr]) stream.write('\0');
  process.send({ code });
});
process.on('disconnect', () => process.exit(0));
