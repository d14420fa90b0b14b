/** The steps of the action, as a runner of GitHub's runs them: a pull request that is made up, with a base and a result. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createWorkspace, data, program, start, type Workspace } from './program.ts';

interface Step {
  readonly name: string;
  readonly shell: string;
  readonly env: Readonly<Record<string, string>>;
  readonly run: string;
}
interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string; readonly required?: boolean }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}
const action = parse(readFileSync('examples/github-action/action.yml', 'utf8')) as Action;

let w: Workspace;
beforeAll(async () => {
  w = createWorkspace();
  w.copy('glyphs-mlp', 'base.onnx');
  mkdirSync(w.path('temp'));
  mkdirSync(w.path('bin'));
  // What it was asked for, and the comment.
  writeFileSync(w.path('bin/gh'), '#!/bin/bash\necho "$GH_REPO $*" > gh.txt\ncat "$7" >> gh.txt\n');
  chmodSync(w.path('bin/gh'), 0o755);
  const made = await w.run(['base.onnx', '--int8', '--no-measure', '-q', '-o', 'result.onnx']);
  expect(made.code).toBe(0);
});
afterAll(() => w.remove());

const step = (name: string) => action.runs.steps.find((s) => s.name === name)!;

/** With `${{ … }}` put in, by bash as the runner calls it. */
function runStep(name: string, given: Readonly<Record<string, string>>) {
  const { shell, env, run } = step(name);
  expect([action.runs.using, shell]).toEqual(['composite', 'bash']);
  const defaults = Object.entries(action.inputs).map(([key, input]) => [
    `inputs.${key}`,
    input.default ?? '',
  ]);
  const inputs = Object.entries(given).map(([key, value]) => [`inputs.${key}`, value]);
  const context = Object.fromEntries([
    ...defaults,
    ['github.repository', 'somebody/net'],
    ['github.event.pull_request.number', '7'],
    ['inputs.program', `${process.execPath} ${program}`],
    ...inputs,
  ]);
  const filled = Object.entries(env).map(([key, text]) => [
    key,
    text.replace(/\$\{\{ ([\w.]+) \}\}/g, (_, name: string) => {
      expect(context).toHaveProperty([name]);
      return context[name]!;
    }),
  ]);
  const runner = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: w.path('temp/summary.md') };
  writeFileSync(w.path('temp/step.sh'), run);
  return start(
    'bash',
    ['--noprofile', '--norc', '-eo', 'pipefail', 'temp/step.sh'],
    w.folder,
    w.path('temp'),
    {
      env: {
        ...Object.fromEntries(filled),
        ...runner,
        RUNNER_TEMP: w.path('temp'),
        PATH: `${w.path('bin')}:${process.env['PATH']}`,
      },
    },
  );
}

const files = { model: 'result.onnx', against: 'base.onnx', data: data('glyphs-grey.npz') };

describe('the action on a pull request', () => {
  it('passes where budgets are kept, and comments', async () => {
    const budgets = '--max-size 50% --max-drop 5 --evaluate 40';
    const { code, stdout, stderr } = await runStep('Check', { ...files, budgets });
    expect(stderr).not.toContain('::error');
    expect(stdout).toContain('Both budgets are kept.');
    expect(code).toBe(0);
    expect((await runStep('Comment', { comment: 'true' })).code).toBe(0);
    const comment = readFileSync(w.path('gh.txt'), 'utf8');
    expect(comment).toMatch(/^somebody\/net pr comment 7 --edit-last --create-if-none --body-file /);
    expect(comment).toContain('### ✅ Both budgets are kept.');
    expect(readFileSync(w.path('temp/summary.md'), 'utf8')).toContain('### ✅');
    expect(readFileSync(w.path('temp/edgepress-check.xml'), 'utf8')).toContain('tests="2" failures="0"');
  });

  it('fails where one is not, with annotations, and takes budgets from the configuration', async () => {
    writeFileSync(w.path('edgepress.config.json'), JSON.stringify({ check: { maxSize: '1kB' } }));
    const { code, stderr } = await runStep('Check', { model: 'result.onnx' });
    expect(stderr).toMatch(/^::error title=result\.onnx%3A file size::/m);
    expect(code).toBe(4);
    await runStep('Comment', { comment: 'true' });
    expect(readFileSync(w.path('gh.txt'), 'utf8')).toContain('### ❌ The budget is not kept.');
  });

  it('runs nothing that stands in an input', async () => {
    const { code } = await runStep('Check', {
      model: '$(touch stolen)',
      budgets: '--max-size 1MB; touch stolen',
    });
    expect(code).not.toBe(0);
    expect(existsSync(w.path('stolen'))).toBe(false);
  });
});
