/** Runs our side as built code, as users have it: a loader of TypeScript would cost time and memory of its own. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { OurJob, Timing } from './ours.ts';
import type { Timeline } from './timeline.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export type OurTiming = Timing & { readonly steps: Timeline['steps'] };

/** @returns what runs a job in a process of its own */
export async function buildOurs(): Promise<(job: OurJob) => OurTiming> {
  const folder = path.join(root, '.cache/peers');
  await build({
    entryPoints: [path.join(root, 'bench/peers/ours.ts')],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node20' },
    ...{ packages: 'external', logLevel: 'warning' },
  });
  return (job) => {
    const options = { input: JSON.stringify(job), encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
    return JSON.parse(execFileSync(process.execPath, [path.join(folder, 'ours.mjs')], options));
  };
}
