/** Puts the parts of echarts that reports use into dist, with its licences, so that the package need not be installed.
 *  Part of npm run build, after tsc. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = 'src/judge/report/html/echarts';

await build({
  absWorkingDir: root,
  entryPoints: [`${file}.ts`],
  outfile: `dist/${file}.js`,
  allowOverwrite: true,
  bundle: true,
  format: 'esm',
  target: 'node20',
  platform: 'node',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
});

/** Texts that must go along with the code. */
const licences = ['echarts/LICENSE', 'echarts/NOTICE', 'zrender/LICENSE', 'tslib/LICENSE.txt'];
const texts = licences.map((name) => `${name}\n\n${readFileSync(join(root, 'node_modules', name), 'utf8')}`);
mkdirSync(join(root, 'dist'), { recursive: true });
writeFileSync(join(root, 'dist/THIRD-PARTY.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`));
