import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorkspace, type Workspace } from './program.ts';

let w: Workspace;
beforeAll(() => {
  w = createWorkspace();
});
afterAll(() => w.remove());

describe('--help', () => {
  it('starts with four examples, groups the options and fits 80 columns', async () => {
    const { stdout, code } = await w.start(['--help']);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('Examples:');
    expect(lines.slice(1, lines.indexOf('')).filter((line) => line.startsWith('  compress '))).toHaveLength(
      4,
    );
    const groups = lines.filter((line) => /^[A-Z]\w+:$/.test(line));
    expect(groups).toEqual([
      'Examples:',
      'Precision:',
      'Pruning:',
      'Training:',
      'Budget:',
      'Auto:',
      'Data:',
      'Target:',
      'Output:',
      'Other:',
      'Commands:',
    ]);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('is what no arguments at all print', async () => {
    expect((await w.run([])).stdout).toBe((await w.run(['--help'])).stdout);
  });

  it.each(['inspect', 'compare', 'check', 'data', 'evaluate', 'generate', 'passes', 'recipe'])(
    'fits 80 columns for %s',
    async (command) => {
      const { stdout, code } = await w.run(['help', command]);
      expect(code).toBe(0);
      expect(stdout).toContain(`Usage: compress ${command}`);
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    },
  );
});

it('help loads commander, zod, requests and nothing that works, until a command runs', () => {
  const root = join(import.meta.dirname, '../..');
  const seen = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(relative(root, file))) return;
    seen.add(relative(root, file));
    const text = readFileSync(file, 'utf8');
    for (const [, name] of text.matchAll(/^(?:import|export)\s(?!type\b)[^;]*?from\s+'([^']+)'/gm))
      if (name!.startsWith('.')) visit(join(dirname(file), name!));
      else seen.add(name!);
    expect(text).not.toMatch(/^import\s+'/m);
  };
  const commands = readFileSync(join(root, 'src/cli/program.ts'), 'utf8').matchAll(
    /import\('(\.\/\w+\.ts)'\)/g,
  );
  visit(join(root, 'src/cli/main.ts'));
  for (const [, name] of commands) if (name !== './failure.ts') visit(join(root, 'src/cli', name!));
  const packages = [...seen].filter((name) => !name.includes('/') && !name.startsWith('node:'));
  expect(packages.sort()).toEqual(['commander', 'fastest-levenshtein', 'zod']);
  const ours = [...seen].filter((name) => name.includes('/') && !name.startsWith('node:'));
  const light =
    /^src\/(cli|support|compress\/request|jobs\/requests|compute\/train\/(settings|augment)\.ts|model\/formats\/format\.ts)/;
  expect(ours.filter((name) => !light.test(name))).toEqual([]);
});
