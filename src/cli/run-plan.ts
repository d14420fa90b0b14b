/** What the commands that make a model have in common: a plan is carried out, watched, and its report printed. */
import type { Plan } from '../compress/plan.ts';
import { runPlan } from '../jobs/compress.ts';
import { interruptSignal } from './interrupt.ts';
import { type PrintFlags, printReport } from './print-report.ts';
import { createProgress } from './progress.ts';

export async function carryOut(model: string, plan: Plan, flags: PrintFlags): Promise<void> {
  const { signal, dispose } = interruptSignal();
  const progress = createProgress({ quiet: flags.quiet ?? false });
  const command = `compress ${process.argv.slice(2).join(' ')}`;
  try {
    const { report } = await runPlan(model, plan, { command, events: progress, signal });
    printReport(report, flags);
  } finally {
    progress.stop();
    dispose();
  }
}
