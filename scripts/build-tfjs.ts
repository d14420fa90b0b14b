/** Writes dist/tfjs, TensorFlow.js as pages without a bundler load it. Part of npm run build. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { bundleTfjs } from '../src/ship/profile/tfjs-runtime.ts';

const folder = new URL('../dist/tfjs/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const { name, bytes } of await bundleTfjs()) writeFileSync(new URL(name, folder), bytes);
