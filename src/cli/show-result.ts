/** What the commands that make a model have in common: what was asked for is carried out, watched, and its report printed. */
import { type Asked, carryOut } from '../jobs/compress.ts';
import { hasParent } from './interrupt.ts';
import { type PrintFlags, printHeader, printReport } from './print-report.ts';
import { commandLine, runJob } from './run-job.ts';

/** What a search that was stopped ends with, though it has left its best. */
const interrupted = 130;

export const showResult = (model: string, asked: Asked, flags: PrintFlags): Promise<void> =>
  runJob(
    flags.quiet ?? false,
    async (run) => {
      // A parent that stops this process says that nothing was written, and gives it no time.
      const keepsBest = !hasParent();
      const { report } = await carryOut(model, asked, { command: commandLine(), ...run, keepsBest });
      printReport(report, flags);
      if (report.search?.time.ended === 'interrupted') process.exitCode = interrupted;
    },
    (header) => printHeader(header, flags),
  );
