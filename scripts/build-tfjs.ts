/** Writes tfjs/, TensorFlow.js as pages without a bundler load it. Part of npm run build. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleTfjs } from '../src/ship/profile/tfjs-runtime.ts';

export default async function writeTfjs(dist: string): Promise<void> {
  const folder = join(dist, 'tfjs');
  mkdirSync(folder, { recursive: true });
  for (const { name, bytes } of await bundleTfjs()) writeFileSync(join(folder, name), bytes);
}
