/** Writes dist/lab-main.js and dist/lab-worker.js, the scripts of the lab page. Part of npm run build. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { builtName, bundlePageScripts } from '../src/ship/lab/page-scripts.ts';

const dist = new URL('../dist/', import.meta.url);
mkdirSync(dist, { recursive: true });
const scripts = await bundlePageScripts();
for (const name of ['main', 'worker'] as const) writeFileSync(new URL(builtName(name), dist), scripts[name]);
