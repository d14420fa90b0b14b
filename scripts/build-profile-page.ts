/** Writes profile-page.js, the script of the measuring page. Part of npm run build. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundlePage } from '../src/ship/profile/page-script.ts';

export default async function writeProfilePage(dist: string): Promise<void> {
  mkdirSync(dist, { recursive: true });
  writeFileSync(join(dist, 'profile-page.js'), await bundlePage());
}
