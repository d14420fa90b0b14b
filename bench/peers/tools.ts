/** Other tools, each in the Python that has it: the one on the path, or an environment made for it in .cache/peers. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { root } from './our-process.ts';
import type { Timing } from './ours.ts';

export type ToolName = 'onnxruntime' | 'nncf' | 'neural-compressor';
type Step = 'prepare' | 'static' | 'dynamic' | 'samples';

export interface PeerJob {
  readonly model: string;
  readonly output: string;
  readonly transformer: boolean;
  readonly inputs: Readonly<Record<string, string>>;
  readonly samples:
    | {
        readonly pictures: readonly string[];
        readonly size: number;
        readonly mean: number[];
        readonly std: number[];
      }
    | { readonly arrays: readonly string[] };
}

export interface Tool {
  readonly name: ToolName;
  /** "nncf 3.4.0" */
  readonly version: string;
  /** @throws with what the tool said last, in one line */
  run(step: Exclude<Step, 'samples'>, job: PeerJob): Timing;
  /** The sum of each sample's absolute values, as this side reads it. */
  sums(job: PeerJob): number[];
}

/** Packages whose versions are told. */
const packages: Readonly<Record<ToolName, string>> = {
  onnxruntime: 'onnxruntime',
  nncf: 'nncf',
  'neural-compressor': 'onnx-neural-compressor',
};

const modules: Readonly<Record<ToolName, string>> = {
  onnxruntime: 'onnx, onnxruntime.quantization, PIL, sympy',
  nncf: 'nncf, onnx, onnxruntime, PIL',
  'neural-compressor': 'onnx_neural_compressor.quantization, onnxruntime, PIL',
};

/** Looks for Python (PEERS_PYTHON, by default python3) and for the tool; installs it where it isn't there.
 *  @returns why not, where it can't be had */
export function findTool(name: ToolName): Tool | string {
  const python = process.env['PEERS_PYTHON'] ?? 'python3';
  const version = spawnSync(python, ['--version'], { encoding: 'utf8' });
  if (version.error || version.status !== 0)
    return `Python is not there ("${python}"; PEERS_PYTHON names another)`;
  const imports = (command: string) => spawnSync(command, ['-c', `import ${modules[name]}`]).status === 0;
  if (imports(python)) return toolIn(name, python);
  const folder = path.join(root, '.cache/peers', name);
  const own = path.join(folder, 'bin/python');
  if (!existsSync(own)) {
    const made = spawnSync(python, ['-m', 'venv', folder], { encoding: 'utf8' });
    if (made.status !== 0)
      return `no environment could be made for it: ${lastLine(made.stderr + made.stdout)}`;
  }
  if (!imports(own)) {
    const file = path.join(root, 'bench/peers/requirements', `${name}.txt`);
    const installed = spawnSync(own, ['-m', 'pip', 'install', '-q', '-r', file], { encoding: 'utf8' });
    if (installed.status !== 0) return `pip does not install it: ${lastLine(installed.stderr)}`;
    const tried = spawnSync(own, ['-c', `import ${modules[name]}`], { encoding: 'utf8' });
    if (tried.status !== 0) return `it is installed and does not load: ${lastLine(tried.stderr)}`;
  }
  return toolIn(name, own);
}

function toolIn(name: ToolName, python: string): Tool {
  const script = path.join(root, 'bench/peers/quantise.py');
  const run = (step: Step, job: PeerJob) => {
    const input = JSON.stringify({ tool: name, step, ...job });
    const done = spawnSync(python, [script], { input, encoding: 'utf8', maxBuffer: 2 ** 28 });
    if (done.status !== 0) throw new Error(lastLine(done.stderr));
    return JSON.parse(done.stdout.trim().split('\n').at(-1)!);
  };
  const ask = `from importlib.metadata import version; print(version("${packages[name]}"))`;
  const version = `${packages[name]} ${execFileSync(python, ['-c', ask], { encoding: 'utf8' }).trim()}`;
  return { name, version, run, sums: (job) => run('samples', job).sums };
}

const lastLine = (text: string): string => (text.trim().split('\n').at(-1) ?? '').slice(0, 160);

/** Everything that a command in a process of its own took. */
export function wholeCommand(args: readonly string[]): { seconds: number } {
  const started = performance.now();
  execFileSync(process.execPath, [path.join(root, 'dist/src/cli/main.js'), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  return { seconds: (performance.now() - started) / 1000 };
}
