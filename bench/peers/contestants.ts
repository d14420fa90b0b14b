/** Who takes part: each makes an int8 model of a case, in processes of its own. */
import path from 'node:path';
import type { EngineName } from '../../src/compute/engine/contract.ts';
import type { Case } from './cases.ts';
import type { OurTiming } from './our-process.ts';
import type { OurJob, Timing } from './ours.ts';
import { type PeerJob, type Tool, type ToolName, wholeCommand } from './tools.ts';

export interface Contestant {
  readonly title: string;
  /** Makes the model once. @throws with the reason where it can't */
  make(): Timing;
  /** What is judged, after all turns were taken. */
  deliver(): { readonly model: string; readonly wholeSeconds: number | null };
  readonly engines: readonly EngineName[];
}

interface Table {
  readonly quantise: (job: OurJob) => OurTiming;
  readonly tools: ReadonlyMap<ToolName, Tool>;
  /** For what is written. */
  readonly folder: string;
}

/** Samples that calibrate, and others to be judged on. */
export const draw = { calibrate: 100, evaluate: Number(process.env['PEERS_HELD'] ?? 200) };

export function contestants(c: Case, peer: Omit<PeerJob, 'output'>, table: Table): Contestant[] {
  const { tools, folder } = table;
  const at = (name: string) => path.join(folder, `${name}.onnx`);
  const ort = tools.get('onnxruntime');
  const prepared = at('prepared');
  const single = (name: ToolName, title: string): Contestant[] => {
    const tool = tools.get(name);
    return tool ? [theirs(title, at(name), () => [tool.run('static', { ...peer, output: at(name) })])] : [];
  };
  const afterPreparing = (step: 'static' | 'dynamic', title: string): Contestant[] =>
    ort
      ? [
          theirs(title, at(step), () => [
            ort.run('prepare', { ...peer, output: prepared }),
            ort.run(step, { ...peer, model: prepared, output: at(step) }),
          ]),
        ]
      : [];
  return [
    ours(c, 'wasm', table),
    ours(c, 'node', table),
    ...afterPreparing('static', 'onnxruntime.quantization, static'),
    ...afterPreparing('dynamic', 'onnxruntime.quantization, dynamic'),
    ...single('nncf', 'NNCF'),
    ...single('neural-compressor', 'neural-compressor'),
  ];
}

function ours(c: Case, target: 'wasm' | 'node', { quantise, folder }: Table): Contestant {
  const output = path.join(folder, `ours-${target}.onnx`);
  const preprocess = c.size === undefined ? undefined : 'imagenet';
  const job = { model: c.model, data: c.data, preprocess, target, ...draw };
  return {
    title: `edgepress, ${target}`,
    engines: [target],
    make: () => quantise({ ...job, output: path.join(folder, `quantised-${target}.onnx`) }),
    deliver() {
      const samples = [`--calibrate=${draw.calibrate}`, `--evaluate=${draw.evaluate}`, '--seed=0'];
      const given = ['--int8', '--data', c.data, ...(preprocess ? ['--preprocess', preprocess] : [])];
      const { seconds } = wholeCommand([
        c.model,
        ...given,
        ...samples,
        ...['--target', target, '-o', output, '--no-cache', '--force', '--quiet'],
      ]);
      return { model: output, wholeSeconds: seconds };
    },
  };
}

const theirs = (title: string, model: string, steps: () => Timing[]): Contestant => ({
  title,
  engines: ['wasm', 'node'],
  make: () => together(steps()),
  deliver: () => ({ model, wholeSeconds: null }),
});

const together = (steps: readonly Timing[]): Timing => ({
  seconds: steps.reduce((sum, s) => sum + s.seconds, 0),
  processorSeconds: steps.reduce((sum, s) => sum + s.processorSeconds, 0),
  beforeBytes: Math.max(...steps.map((s) => s.beforeBytes)),
  peakBytes: Math.max(...steps.map((s) => s.peakBytes)),
});
