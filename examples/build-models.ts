/** Makes the bundle that all examples show (glyphs-cnn: ten drawn symbols), and puts it, the runtime and
 *  onnxruntime-web where each example looks for them. Run after `npm run build`:
 *    npx tsx examples/build-models.ts */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildRuntime } from '../scripts/build-runtime.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const ortFolder = join(root, 'node_modules/onnxruntime-web/dist');
const ortFiles = ['ort.wasm.bundle.min.mjs', 'ort-wasm-simd-threaded.wasm'];

/** What you would type for your own model. */
export function buildModel(folder: string, targets = 'wasm,node,mobile'): void {
  const program = [join(root, 'src/cli/main.ts'), 'bundle', 'fixtures/models/glyphs-cnn.onnx', '-o', folder];
  const data = ['--data', 'fixtures/data/glyphs', '--preprocess', 'examples/preprocessor_config.json'];
  const options = ['--targets', targets, '--no-demo', '--force', '--quiet'];
  const tsx = join(root, 'node_modules/tsx/dist/cli.mjs');
  mkdirSync(dirname(folder), { recursive: true });
  const stdio = ['ignore', 'ignore', 'inherit'] as const;
  execFileSync(process.execPath, [tsx, ...program, ...data, ...options], { cwd: root, stdio: [...stdio] });
}

/** lib/edgepress and lib/ort: what a page without a bundler imports; lib/page: script and style of plain-html, for pages
 *  that add to it; lib/files.json, which lists all of these. */
export async function copyLibraries(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'ort'), { recursive: true });
  await buildRuntime(join(folder, 'edgepress'));
  for (const file of ['app.js', 'style.css'])
    cpSync(join(root, 'examples/plain-html', file), join(folder, 'page', file));
  for (const file of ortFiles) cpSync(join(ortFolder, file), join(folder, 'ort', file));
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.map'))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    );
  writeFileSync(join(folder, 'files.json'), JSON.stringify(files.sort()));
}

function copyModel(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const examples = join(root, 'examples');
  const model = join(examples, 'model');
  buildModel(model);
  for (const place of ['vite-image-classifier/public', 'plain-html', 'offline-pwa'])
    copyModel(model, join(examples, place, 'model'));
  for (const example of ['plain-html', 'offline-pwa']) await copyLibraries(join(examples, example, 'lib'));
  if (!existsSync(join(root, 'src/runtime/dist')))
    console.log(
      'For vite-image-classifier run `npm run build` too: it imports edgepress-runtime.',
    );
}
