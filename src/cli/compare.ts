/** compress compare <before> <after> --data … */

import type { EngineName } from '../compute/engine/contract.ts';
import { openEngine } from '../compute/engine/open.ts';
import { openData } from '../data/open.ts';
import type { DataSource } from '../data/source.ts';
import { splitData } from '../data/split.ts';
import { createSyntheticSource } from '../data/synthetic.ts';
import { openModel } from '../jobs/model-files.ts';
import { step } from '../jobs/progress.ts';
import { runPair } from '../jobs/run-pair.ts';
import type { PairResult } from '../judge/report/report.ts';
import type { Port } from '../model/ir/port.ts';
import { portsOf } from '../model/ir/port.ts';
import { compareInputs } from '../support/diagnostics/data.ts';
import { formatDb, formatPercent } from '../support/units.ts';
import { interruptSignal } from './interrupt.ts';
import { printJson } from './print-json.ts';
import { createProgress } from './progress.ts';
import { table } from './table.ts';

export interface DataFlags {
  data: string;
  labels?: string;
  preprocess?: string;
  skipBad?: boolean;
  seed: number;
  samples?: number;
  engine: EngineName;
  json?: boolean;
}

/** Data and the samples to use, spread over all of it. */
export async function chooseSamples(
  ports: readonly Port[],
  flags: DataFlags,
): Promise<{ source: DataSource; indices: readonly number[] }> {
  const source =
    flags.data === 'synthetic'
      ? createSyntheticSource(ports, { seed: flags.seed, length: flags.samples ?? 32 })
      : await openData(flags.data, ports, flags);
  const wanted = Math.min(flags.samples ?? source.length, source.length);
  const { evaluation } = await splitData(source, { calibration: 0, evaluation: wanted, seed: flags.seed });
  return { source, indices: evaluation };
}

export async function run(before: string, after: string, flags: DataFlags): Promise<void> {
  const { signal, dispose } = interruptSignal();
  const progress = createProgress({ quiet: false });
  try {
    const opened = openModel(before);
    requireInputs(portsOf(opened.model), portsOf(openModel(after).model));
    const { source, indices } = await chooseSamples(portsOf(opened.model), flags);
    const engine = await openEngine(flags.engine);
    const result = await step(
      progress,
      'compare',
      (onProgress) =>
        runPair({ path: before }, { path: after }, { engine, source, indices, signal, onProgress }),
      (r) => `${r.compare.samples} samples on ${r.compare.runtime} · ${source.name}`,
    );
    if (flags.json) printJson({ data: source.name, guessed: source.guessed, ...result });
    else console.log(`\n${describe(result, source)}`);
  } finally {
    progress.stop();
    dispose();
  }
}

/** @throws COMPARE_INPUTS when the second model takes what the first does not */
function requireInputs(before: readonly Port[], after: readonly Port[]): void {
  const present = before.map((p) => p.name);
  const missing = after.map((p) => p.name).filter((name) => !present.includes(name));
  if (missing.length > 0) throw compareInputs(missing, present);
}

function describe({ compare, evaluation }: PairResult, source: DataSource): string {
  const rows = compare.outputs.map((o) => [
    o.name,
    o.sqnrDb === null ? (o.maxAbsError === 0 ? 'identical' : '–') : formatDb(o.sqnrDb),
    o.cosine === null ? '–' : o.cosine.toFixed(5),
    o.maxAbsError === null ? 'not finite' : o.maxAbsError.toPrecision(3),
    o.top1Agreement === null ? '–' : formatPercent(o.top1Agreement),
  ]);
  const parts = [table(['output', 'SQNR', 'cosine', 'max error', 'same top-1'], rows)];
  if (evaluation) {
    const shown = (v: number | null) => (v === null ? '–' : formatPercent(v));
    parts.push(
      table(
        ['accuracy', 'before', 'after'],
        evaluation.metrics.map((m) => [m.name, shown(m.before), shown(m.after)]),
      ),
    );
  }
  if (source.guessed.length > 0) parts.push(source.guessed.map((g) => `  guessed: ${g}`).join('\n'));
  return parts.join('\n\n');
}
