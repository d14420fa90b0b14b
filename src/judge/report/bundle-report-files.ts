/** The report of a bundle on disk: what a folder holds to report on, and the files that a report becomes. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { checkOutputs, createStage } from '../../ship/emit/write.ts';
import { readManifest } from '../../ship/lab/bundle.ts';
import { type LabDeviceResult, readEarlier, resultsFile } from '../../ship/lab/results.ts';
import type { Profile } from '../../ship/profile/device.ts';
import { reportKind } from '../../support/diagnostics/bundle-report.ts';
import { type BundleReportParts, bundleReport } from './build-bundle-report.ts';
import { renderBundleHtml } from './bundle-html.ts';
import { renderBundleMarkdown } from './bundle-markdown.ts';
import type { BundleReport } from './bundle-report.ts';

/** The report of a profile: of the bundle with all that is known about it, or of one model file. */
export function profileReport(profile: Profile, command: string): BundleReport {
  const { target, written } = profile;
  if (written === null) return bundleReport({ command, profile, manifest: standIn(target) });
  const [manifest, lab] = [readManifest(written), labResultsIn(target)];
  return bundleReport({ command, profile, manifest, lab });
}

function standIn(file: string): BundleReportParts['manifest'] {
  const name = path.basename(file);
  const variant = {
    ...{ name, precision: null, format: file.endsWith('.ort') ? 'ort' : 'onnx', bytes: statSync(file).size },
    ...{ providers: [], requires: [], brotliBytes: null, runtime: null, accuracy: null },
    ...{ parity: [], measured: [], parts: [] },
  };
  return { name, variants: [variant] };
}

/** Results that labs left in a bundle's folder; none where there was no lab. */
export const labResultsIn = (folder: string): LabDeviceResult[] =>
  existsSync(path.join(folder, resultsFile)) ? readEarlier(folder) : [];

/** @throws REPORT_KIND for another ending than .html, .md and .json */
export function checkReportKinds(paths: readonly string[]): void {
  for (const file of paths) if (!/\.(html|md|json)$/i.test(file)) throw reportKind(file);
}

/** Before any work. @throws REPORT_KIND, and what `checkOutputs` throws */
export function checkReportPaths(paths: readonly string[], force = false): void {
  checkReportKinds(paths);
  for (const file of paths) checkOutputs([file], force);
}

/** Each file whole or not at all. @throws OUTPUT_UNWRITABLE */
export async function writeBundleReport(report: BundleReport, paths: readonly string[]): Promise<void> {
  for (const file of paths) {
    const content = await contentOf(report, file);
    const stage = createStage(file);
    try {
      stage.write(file, content);
      stage.commit();
    } finally {
      stage.discard();
    }
  }
}

async function contentOf(report: BundleReport, file: string): Promise<string> {
  if (/\.html$/i.test(file)) return renderBundleHtml(report);
  return /\.md$/i.test(file) ? renderBundleMarkdown(report) : `${JSON.stringify(report, null, 1)}\n`;
}
