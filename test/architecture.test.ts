import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The rooms in import order, wing by wing: a file imports only from rooms above its own, or from its own. */
const rooms = [
  'support',
  'model/ir',
  'model/quantization',
  'model/ops',
  'model/build',
  'model/rewrite',
  'model/layout',
  'model/formats',
  'data',
  'compute/engine',
  'compute/autodiff',
  'compute/calibrate',
  'compute/train',
  'compress/quant',
  'compress/prune',
  'compress/pipeline',
  'passes',
  'compress',
  'ship/emit',
  'ship/profile',
  'ship/lab',
  'judge/analyze',
  'judge/generate',
  'judge/evaluate',
  'judge/task',
  'judge/report',
  'jobs',
  'index.ts',
  'cli',
] as const;

/** What a page downloads stands apart from the order: it may know these rooms and nothing else of ours, types of
 *  these files aside. */
const runtimeMayImport = ['runtime', 'support'];
const runtimeMayDescribe = ['src/ship/emit/manifest.ts', 'src/data/preprocess.ts'];

/** Files that may touch the machine; everything else runs in a web page too. */
const machineFiles = [
  /^src\/cli\//,
  /^src\/jobs\//,
  /^src\/support\/read-problem\.ts$/,
  /^src\/ship\/profile\//,
  /^src\/ship\/lab\/[^/]+\.ts$/,
  /^src\/model\/formats\/(.+\/)?((external|open)-)?file\.ts$/,
  /^src\/data\/sound\/open-sounds\.ts$/,
  /^src\/data\/text\/(open-texts|open-tokenizer|model-config)\.ts$/,
  /^src\/data\/(images|decode-picture|array-source|data-files|label-files|label-names|open(-[a-z-]+)?|annotations\/(open-[a-z]+|file-names|png-mask))\.ts$/,
  /^src\/compute\/engine\/onnxruntime-node\.ts$/,
  /^src\/compute\/calibrate\/calibration-cache\.ts$/,
  /^src\/compute\/train\/checkpoint\.ts$/,
  /^src\/judge\/report\/bundle-report-files\.ts$/,
  /^src\/(ship\/emit\/write[^/]*|support\/(hidden-folder|end-with-parent|json-store|replace-file))\.ts$/,
  /^src\/ship\/emit\/ort\.ts$/,
];
const machineModules = /^(node:|sharp$|onnxruntime-node$)/;

/** Tables grow with what they list; they are read by looking up, not from top to bottom. */
const tables = [/^src\/model\/ops\/.*\.ts$/];
const lineLimit = 400;

interface Module {
  readonly path: string;
  readonly text: string;
  /** Module specifiers as written, type-only and dynamic imports included. */
  readonly specifiers: readonly string[];
}

const importPatterns = [
  /^\s*(?:import|export)\b[^'";]*?\bfrom\s+'([^']+)'/gm,
  /^\s*import\s+'([^']+)'/gm,
  /\bimport\(\s*'([^']+)'\s*\)/g,
];

/** Comments out, so that an example in a docstring is not taken for code. */
const withoutComments = (text: string) =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');

function importsOf(text: string): string[] {
  const code = withoutComments(text);
  return importPatterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1]!));
}

function listModules(): Module[] {
  const folders = ['src', 'passes'].filter((folder) => existsSync(join(root, folder)));
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  );
  return files
    .map((file) => file.split(sep).join('/'))
    .filter((path) => path.endsWith('.ts') && !path.startsWith('src/runtime/dist/'))
    .sort()
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      return { path, text, specifiers: importsOf(text) };
    });
}

/** Path of the file a relative specifier names, from the project's root. */
const resolve = (from: string, specifier: string) =>
  relative(root, join(root, dirname(from), specifier))
    .split(sep)
    .join('/');

function roomOf(path: string): string {
  if (path.startsWith('passes/')) return 'passes';
  if (['src/web.ts', 'src/anywhere.ts'].includes(path)) return 'index.ts';
  const [, wing, inside, ...rest] = path.split('/');
  return rest.length > 0 && (rooms as readonly string[]).includes(`${wing}/${inside}`)
    ? `${wing}/${inside}`
    : wing!;
}

const modules = listModules();
const localImports = (module: Pick<Module, 'path' | 'specifiers'>) =>
  module.specifiers.filter((s) => s.startsWith('.')).map((s) => resolve(module.path, s));

/** `import type` is erased when compiled: types may refer to one another (an attribute holds a graph of nodes with
 *  attributes), running code may not. */
const typeImport = /^\s*(?:import|export)\s+type\b[^'";]*?\bfrom\s+'[^']+';?/gm;

/** Imports that the order is about: the runtime's are those that a page downloads, and types of few files. */
function checkedImports({ path, text, specifiers }: Module): string[] {
  if (roomOf(path) !== 'runtime') return localImports({ path, specifiers });
  const running = importsOf(withoutComments(text).replace(typeImport, ''));
  const described = localImports({ path, specifiers }).filter(
    (target) => !runtimeMayDescribe.includes(target),
  );
  return [...new Set([...localImports({ path, specifiers: running }), ...described])];
}

/** Every cycle of running code, as the chain of files that closes it. */
function findCycles(): string[] {
  const edges = new Map(
    modules.map(({ path, text }) => [
      path,
      localImports({ path, specifiers: importsOf(withoutComments(text).replace(typeImport, '')) }),
    ]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, chain: readonly string[]): void => {
    const at = chain.indexOf(path);
    if (at >= 0) cycles.push([...chain.slice(at), path].join(' → '));
    if (at >= 0 || done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...chain, path]);
    done.add(path);
  };
  for (const module of modules) visit(module.path, []);
  return cycles;
}

function isAllowed(from: string, to: string): boolean {
  if (from === 'runtime') return runtimeMayImport.includes(to);
  if (to === 'runtime') return false;
  const [left, right] = [from, to].map((room) => (rooms as readonly string[]).indexOf(room));
  return left! >= 0 && right! >= 0 && right! <= left!;
}

describe('the architecture', () => {
  it('reads static, type-only, re-exporting, side-effect and dynamic imports, and none from comments', () => {
    const text = [
      `import { a,\n  b } from './one.ts';`,
      `import type { C } from './two.ts';`,
      `export * from './three.ts';`,
      `import './four.ts';`,
      `const five = await import('./five.ts');`,
      `/** import x from './six.ts'; */ // import('./seven.ts')`,
    ].join('\n');
    const names = ['one', 'two', 'three', 'four', 'five'];
    expect(importsOf(text).sort()).toEqual(names.map((name) => `./${name}.ts`).sort());
    expect(modules.map((module) => module.path)).toContain('src/model/ir/model.ts');
  });

  it('has no file outside the known rooms', () => {
    const known = new Set<string>([...rooms, 'runtime']);
    expect(modules.map((module) => module.path).filter((path) => !known.has(roomOf(path)))).toEqual([]);
  });

  it('imports only from rooms above it', () => {
    const wrong = modules.flatMap((module) =>
      checkedImports(module)
        .filter((target) => !isAllowed(roomOf(module.path), roomOf(target)))
        .map((target) => `${module.path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('names the file of every relative import, ending in .ts', () => {
    const wrong = modules.flatMap((module) =>
      module.specifiers
        .filter(
          (s) => s.startsWith('.') && !(s.endsWith('.ts') && existsSync(join(root, resolve(module.path, s)))),
        )
        .map((s) => `${module.path} imports ${s}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has no import cycles', () => {
    expect(findCycles()).toEqual([]);
  });

  it('keeps passes independent: a pass imports no other pass', () => {
    const wrong = modules
      .filter((module) => /^passes\/[^/]+\.ts$/.test(module.path) && module.path !== 'passes/index.ts')
      .filter((module) => localImports(module).some((target) => target.startsWith('passes/')))
      .map((module) => module.path);
    expect(wrong).toEqual([]);
  });

  it('reaches passes only through the composition root', () => {
    const wrong = modules
      .filter((module) => module.path.startsWith('src/') && module.path !== 'src/compress/compress.ts')
      .filter((module) => localImports(module).some((target) => target.startsWith('passes/')))
      .map((module) => module.path);
    expect(wrong).toEqual([]);
  });

  it('touches the machine only in the files meant for it', () => {
    const wrong = modules
      .filter((module) => !machineFiles.some((pattern) => pattern.test(module.path)))
      .flatMap((module) => [
        ...module.specifiers.filter((s) => machineModules.test(s)).map((s) => `${module.path} imports ${s}`),
        ...[...withoutComments(module.text).matchAll(/(?<![\w.'])(process\.|Buffer\.|__dirname\b)/g)].map(
          (match) => `${module.path} uses ${match[1]}`,
        ),
      ]);
    expect(wrong).toEqual([]);
  });

  it('names files after what they do', () => {
    const vague = /(^|[/-])(utils?|helpers?|managers?|base)([/.-])/;
    expect(modules.map((module) => module.path).filter((path) => vague.test(path))).toEqual([]);
  });

  it(`keeps files within ${lineLimit} lines, tables aside`, () => {
    const long = modules
      .filter((module) => !tables.some((pattern) => pattern.test(module.path)))
      .map((module) => ({ path: module.path, lines: module.text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > lineLimit)
      .map(({ path, lines }) => `${path}: ${lines} lines`);
    expect(long).toEqual([]);
  });
});
