/** Both packages as users get them: packed, installed into empty folders, typed, run in Node and in a page. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installConsumer, npm, packBoth, type Tarballs } from '../../scripts/packages/consumer.ts';
import { findBrowser } from '../../src/ship/profile/browsers.ts';
import { serveFolders } from '../examples/site.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgepress-packages-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [script, app] = [join(folder, 'script'), join(folder, 'app')];
const tarballs: Tarballs = packBoth(folder);

const installs = () => {
  try {
    installConsumer(script, { edgepress: tarballs.edgepress });
    installConsumer(app, { 'edgepress-runtime': tarballs['edgepress-runtime'] }, [
      'vite',
      '@litertjs/core',
      '@tensorflow/tfjs-core',
      '@tensorflow/tfjs-converter',
      '@tensorflow/tfjs-backend-wasm',
    ]);
    return true;
  } catch {
    return false;
  }
};
const installed = installs();
const node = (cwd: string, ...args: string[]) =>
  execFileSync(process.execPath, args, { cwd, encoding: 'utf8' });
const browser = findBrowser('chromium');

describe('what is packed', () => {
  const list = (from: string): string[] =>
    JSON.parse(npm(['pack', '--dry-run', '--json'], from))[0].files.map(
      (file: { path: string }) => file.path,
    );

  it('is the built program, without sources, models and what examples and commands leave behind', () => {
    const kinds = list('.').map(
      (path) => path.replace(/^dist\/(src|passes)\/.*\.js$/, 'program').split('/')[0],
    );
    expect([...new Set(kinds)].sort()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json', 'program'].sort(),
    );
  });

  it('is, of edgepress-runtime, its modules and one file of types', () => {
    const paths = list('src/runtime').filter(
      (path) => !/^dist\/(shared-\w+|index|worker)\.js(\.map)?$/.test(path),
    );
    expect(paths.sort()).toEqual(['LICENSE', 'README.md', 'dist/index.d.ts', 'package.json']);
  });
});

describe.skipIf(!installed)('installed from tarballs (skipped: npm has neither cache nor network)', () => {
  const types = (moduleResolution: string, module: string) => {
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
    };
    const target = { target: 'es2022', lib: ['es2022', 'dom'], types: [], module, moduleResolution };
    const options = { compilerOptions: { ...compilerOptions, ...target }, include: ['*.ts', 'code/*.ts'] };
    for (const place of [script, app]) {
      writeFileSync(join(place, 'tsconfig.json'), JSON.stringify(options));
      node(place, resolve('node_modules/typescript/bin/tsc'), '-p', '.');
    }
  };
  beforeAll(() => {
    writeFileSync(join(script, 'types.ts'), scriptTypes);
    writeFileSync(join(app, 'types.ts'), appTypes);
    // What the README shows, word for word.
    const [program, page] = readmeExamples();
    writeFileSync(join(script, 'readme.ts'), program!);
    for (const part of ['code', 'public/model']) mkdirSync(join(app, part), { recursive: true });
    writeFileSync(join(app, 'code/readme.ts'), page!);
    writeFileSync(join(app, 'public/model/index.d.ts'), modelTypes);
  });

  it.each([
    ['bundler', 'esnext'],
    ['nodenext', 'nodenext'],
  ])('compile, libraries checked too, with moduleResolution %s', (resolution, module) => {
    types(resolution, module);
  });

  it('need nothing but onnxruntime-web for a page', () => {
    const page = join(folder, 'page');
    installConsumer(page, { 'edgepress-runtime': tarballs['edgepress-runtime'] });
    const packages = readdirSync(join(page, 'node_modules')).filter((name) => name.includes('edgepress'));
    expect(packages).toEqual(['edgepress-runtime']);
    expect(existsSync(join(page, 'node_modules/sharp'))).toBe(false);
  });

  it('compress a model in a script', () => {
    cpSync('fixtures/models/digits-mlp.onnx', join(script, 'model.onnx'));
    writeFileSync(join(script, 'script.js'), scriptText);
    expect(node(script, 'script.js')).toMatch(/^int8 0\.\d+\n$/);
  });

  it.skipIf(!browser)(
    'classify a picture in an app made by Vite (skipped: no Chromium)',
    async () => {
      for (const part of ['index.html', 'src', 'vite.config.js'])
        cpSync(join('examples/vite-image-classifier', part), join(app, part), { recursive: true });
      const program = join(script, 'node_modules/edgepress/dist/src/cli/main.js');
      const data = [
        '--data',
        resolve('fixtures/data/glyphs'),
        '--preprocess',
        resolve('examples/preprocessor_config.json'),
      ];
      const options = [
        '-o',
        join(app, 'public/model'),
        '--targets',
        'wasm,litert,tfjs',
        '--no-demo',
        '--quiet',
      ];
      rmSync(join(app, 'public'), { recursive: true, force: true });
      node(script, program, 'bundle', resolve('fixtures/models/glyphs-cnn.onnx'), ...data, ...options);
      node(app, 'node_modules/vite/bin/vite.js', 'build', '--logLevel', 'error');
      expect(await classified(join(app, 'dist'), 'star')).toEqual([
        expect.stringMatching(/^star/),
        expect.stringMatching(/^litert-int8 on wasm, [2-4] threads: int8 is faster on LiteRT\.js/),
      ]);
      expect(await classified(join(app, 'dist'), 'heart', '?variant=wasm-int8')).toEqual([
        expect.stringMatching(/^heart/),
        expect.stringMatching(/^wasm-int8 on wasm/),
      ]);
      expect(await classified(join(app, 'dist'), 'key', '?variant=tfjs')).toEqual([
        expect.stringMatching(/^key/),
        expect.stringMatching(/^tfjs on wasm, 1 thread: asked for/),
      ]);
    },
    600_000,
  );

  /** What the page says of a picture, and of the variant that it runs. */
  async function classified(root: string, symbol: string, query = ''): Promise<(string | null)[]> {
    const site = await serveFolders({ '/': root });
    const running = await chromium.launch({ executablePath: browser!.path, args: ['--no-sandbox'] });
    try {
      const page = await running.newPage();
      await page.goto(`${site.url}${query}`);
      await page.waitForSelector('#camera:enabled');
      await page.setInputFiles('#file', resolve(`fixtures/data/glyphs/${symbol}/01.png`));
      await page.waitForSelector('#classes li');
      return [await page.textContent('#classes li'), await page.textContent('#info')];
    } finally {
      await running.close();
      await site.close();
    }
  }
});

const readmeExamples = () =>
  [...readFileSync('README.md', 'utf8').matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);

const modelTypes = `import type { ImageSource } from 'edgepress-runtime';
export type Inputs = { readonly image: ImageSource };
export type Outputs = { readonly logits: { readonly data: Float32Array } };
`;
const scriptTypes = `import { compress, decodeModel, type Report } from 'edgepress';
import { decodeModel as inPage } from 'edgepress/web';
export const size = (report: Report): string => JSON.stringify(report);
export const same: typeof decodeModel = inPage;
// @ts-expect-error there is no such option
compress('model.onnx', { int9: true });
`;
const appTypes = `import { EdgepressError, loadModel, type ModelInfo } from 'edgepress-runtime';
export async function run(image: ImageBitmap): Promise<ModelInfo> {
  const model = await loadModel('/model/');
  const { scores } = await model.run({ image });
  const name: string | undefined = model.manifest.variants[0]?.name;
  if (!scores || !name) throw new EdgepressError('NO_VARIANT', 'none');
  // @ts-expect-error there is no such field
  model.manifest.colour;
  return model.info;
}
`;
const scriptText = `import { readFileSync } from 'node:fs';
import { compress } from 'edgepress';
const bytes = readFileSync('model.onnx');
const { files } = await compress(bytes, { int8: true, compare: false, measure: false });
console.log('int8', (files[0].bytes.length / bytes.length).toFixed(2));
`;
