/** Writes lab-main.js and lab-worker.js, the scripts of the lab page. Part of npm run build. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtName, bundlePageScripts } from '../src/ship/lab/page-scripts.ts';

export default async function writeLabPage(dist: string): Promise<void> {
  mkdirSync(dist, { recursive: true });
  const scripts = await bundlePageScripts();
  for (const name of ['main', 'worker'] as const) writeFileSync(join(dist, builtName(name)), scripts[name]);
}
