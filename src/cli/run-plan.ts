/** What the commands that make a model have in common: a plan is carried out, watched, and its report printed. */
import type { Plan } from '../compress/plan.ts';
import { runPlan } from '../jobs/compress.ts';
import { type PrintFlags, printReport } from './print-report.ts';
import { commandLine, runJob } from './run-job.ts';

export const carryOut = (model: string, plan: Plan, flags: PrintFlags): Promise<void> =>
  runJob(flags.quiet ?? false, async (run) => {
    const { report } = await runPlan(model, plan, { command: commandLine(), ...run });
    printReport(report, flags);
  });
