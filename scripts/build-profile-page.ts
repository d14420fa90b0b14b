/** Writes dist/profile-page.js, the script of the measuring page. Part of npm run build. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { bundlePage } from '../src/ship/profile/page-script.ts';

const dist = new URL('../dist/', import.meta.url);
mkdirSync(dist, { recursive: true });
writeFileSync(new URL('profile-page.js', dist), await bundlePage());
