/** compress lab <bundle> */
import path from 'node:path';
import { labRequest } from '../jobs/requests/lab.ts';
import { defineCommand } from './command.ts';
import { json, reportFiles } from './printing-fields.ts';

export const command = defineCommand({
  configured: 'lab',
  request: labRequest.extend({ report: reportFiles, json }),
  async run([bundle = ''], { report = [], json, idle, port = 0, ...request }) {
    const { checkReportPaths, writeBundleReport } = await import('../judge/report/bundle-report-files.ts');
    const { interruptSignal } = await import('./interrupt.ts');
    const { openScreen, renderSummary } = await import('./show-lab.ts');
    const { runLab } = await import('../jobs/lab.ts');
    checkReportPaths(report);
    const interrupt = interruptSignal();
    const screen = openScreen();
    try {
      const summary = await runLab({
        ...{ bundle, port, ...request, idleMs: idle * 60_000, signal: interrupt.signal },
        onOpen: screen.open,
        onEvent: screen.event,
      });
      screen.stop();
      if (report.length > 0) await writeBundleReport(await reportOf(bundle), report);
      const shown = { ...summary, files: [...summary.files, ...report] };
      if (json) (await import('./print-json.ts')).printJson(shown, 2);
      else console.log(renderSummary(shown, idle));
    } finally {
      screen.stop();
      interrupt.dispose();
    }
  },
});

/** Of the bundle with all that is known by now, from this lab and from before. */
async function reportOf(bundle: string) {
  const { labResultsIn } = await import('../judge/report/bundle-report-files.ts');
  const { bundleReport } = await import('../judge/report/build-bundle-report.ts');
  const { manifestFile, readManifest } = await import('../ship/lab/bundle.ts');
  const { commandLine } = await import('./run-job.ts');
  const manifest = readManifest(path.join(bundle, manifestFile));
  return bundleReport({ command: commandLine(), manifest, lab: labResultsIn(bundle) });
}
