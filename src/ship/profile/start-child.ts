/** A module of ours in a process of its own, which may die without taking this one along. Node only. */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** @param from  import.meta.url of the caller
 *  @param module  relative to it, without its ending */
export function startChild(from: string, module: string): ChildProcess {
  const fromSource = from.endsWith('.ts');
  const script = new URL(`${module}${fromSource ? '.ts' : '.js'}`, from);
  return fork(fileURLToPath(script), {
    // Typed arrays travel as they are.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: fromSource ? ['--import', typescriptLoader()] : [],
    // NODE_OPTIONS of test runners and debuggers would add their own memory to the child's.
    env: { ...process.env, NODE_OPTIONS: '' },
  });
}

/** Sources are run as they are only while developing, where tsx is installed. */
const typescriptLoader = () => pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
