/** compress evaluate <model> --data … --labels … */
import { openEngine } from '../engine/open.ts';
import { evaluateModel } from '../jobs/evaluate-model.ts';
import { openModel } from '../jobs/model-files.ts';
import { step } from '../jobs/progress.ts';
import { portsOf } from '../jobs/run-recipe.ts';
import { labelsRequired } from '../support/diagnostics.ts';
import { formatPercent } from '../support/units.ts';
import { chooseSamples, type DataFlags } from './compare.ts';
import { interruptSignal } from './interrupt.ts';
import { printJson } from './print-json.ts';
import { createProgress } from './progress.ts';
import { table } from './table.ts';

export async function run(model: string, flags: DataFlags): Promise<void> {
  const { signal, dispose } = interruptSignal();
  const progress = createProgress({ quiet: false });
  try {
    const { source, indices } = await chooseSamples(portsOf(openModel(model).model), flags);
    if (!source.labelled) throw labelsRequired(source.name);
    const engine = await openEngine(flags.engine);
    const evaluation = await step(
      progress,
      'evaluate',
      (onProgress) => evaluateModel({ path: model }, { engine, source, indices, signal, onProgress }),
      (e) => `${e.samples} samples on ${e.runtime} · ${source.name}`,
    );
    if (flags.json) {
      printJson({ data: source.name, guessed: source.guessed, ...evaluation });
      return;
    }
    const rows = evaluation.metrics.map((m) => [
      m.name,
      m.after === null ? '–' : formatPercent(m.after, 2),
      m.interval ? `${formatPercent(m.interval[0])} to ${formatPercent(m.interval[1])}` : '',
    ]);
    console.log(`\n${table(['metric', 'value', '95 % interval'], rows)}`);
    for (const g of source.guessed) console.log(`  guessed: ${g}`);
  } finally {
    progress.stop();
    dispose();
  }
}
