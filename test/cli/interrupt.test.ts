import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWorkspace, data, program, type RunOptions, start, type Workspace } from './program.ts';

let w: Workspace;
beforeEach(() => {
  w = createWorkspace();
  w.copy('glyphs-cnn');
});
afterEach(() => w.remove());

const job = ['glyphs-cnn.onnx', '--int8', '--data', data('glyphs'), '--no-cache'];

describe('a job that is stopped', () => {
  // A line on stderr says that a step is done: what is interrupted is the one after it.
  it.each([
    ['SIGINT', 'clean up'],
    ['SIGTERM', 'clean up'],
    ['SIGINT', 'tidy'],
    ['SIGINT', 'compare'],
  ] as const)('by %s after "%s" leaves nothing behind', async (signal, step) => {
    const before = w.listing();
    let sent = false;
    const { code, stderr, stdout } = await w.start(job, {
      onStderr(text, child) {
        if (sent || !text.includes(`  ${step} `)) return;
        sent = true;
        child.kill(signal);
      },
    });
    expect(sent).toBe(true);
    expect(code).toBe(130);
    expect(stderr).toMatch(/Stopped\. Nothing was written\.\n$/);
    expect(stderr.match(/Stopped/g)).toHaveLength(1);
    expect(stdout).not.toContain('times smaller');
    expect(w.listing()).toEqual(before);
  });

  it.each(['sequence-gru', 'sequence-transformer'])('stops while %s keeps the thread busy', async (name) => {
    w.copy(name);
    const samples = data(name === 'sequence-gru' ? 'waves.npz' : 'sentiment.npz');
    let sent = false;
    const { code, stderr } = await w.start([`${name}.onnx`, '--int8', '--data', samples, '--no-cache'], {
      onStderr(text, child) {
        if (sent || !text.includes('  tidy ')) return;
        sent = true;
        child.kill('SIGINT');
      },
    });
    expect(code).toBe(130);
    expect(stderr).not.toContain('  measure ');
  });

  it('a second signal ends it at once, and still leaves nothing behind', async () => {
    const before = w.listing();
    let sent = 0;
    const { code } = await w.start(job, {
      onStderr(text, child) {
        if (sent > 0 || !text.includes('  tidy ')) return;
        sent = 2;
        child.kill('SIGINT');
        child.kill('SIGTERM');
      },
    });
    expect(code).toBe(130);
    expect(w.listing()).toEqual(before);
  });
});

describe('a program that computes without a pause', () => {
  /** Runs before the program: what `work` does happens in the process that computes. */
  const inside = (work: string) => ({
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(
      `import fs from 'node:fs'; if (process.env.EDGEPRESS_SUPERVISED) { ${work} }`,
    )}`,
  });
  const block = `fs.writeSync(2, 'blocked'); for (;;);`;
  const stopped = (env: Record<string, string>, signal: NodeJS.Signals) => {
    let sent = false;
    return w.start(['glyphs-cnn.onnx', '--no-measure'], {
      env,
      onStderr(text, child) {
        if (sent || !text.includes('blocked')) return;
        sent = true;
        child.kill(signal);
      },
    });
  };

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('ends by %s', async (signal) => {
    const before = w.listing();
    const { code, stderr } = await stopped(inside(`setTimeout(() => { ${block} }, 50);`), signal);
    expect(code).toBe(130);
    expect(stderr).toMatch(/Stopped\. Nothing was written\.\n$/);
    expect(w.listing()).toEqual(before);
  });

  it('leaves nothing of what it was writing', async () => {
    const before = w.listing();
    const work = `const make = fs.mkdtempSync;
      fs.mkdtempSync = (...given) => {
        if (String(given[0]).includes('.tmp-')) setTimeout(() => { ${block} }, 0);
        return make(...given);
      };`;
    const { code } = await stopped(inside(work), 'SIGINT');
    expect(code).toBe(130);
    expect(w.listing()).toEqual(before);
  });

  it('is said to have crashed where it did', async () => {
    const env = inside(`setTimeout(() => process.kill(process.pid, 'SIGSEGV'), 50);`);
    const { code, stderr } = await w.start(['glyphs-cnn.onnx', '--no-measure'], { env });
    expect(stderr).toContain('RUNTIME_CRASHED');
    expect(code).toBe(5);
  });
});

it('a reader that has seen enough is not a failure', async () => {
  for (const command of ['passes', 'inspect glyphs-cnn.onnx --nodes', '--help']) {
    const line = `"$0" "$1" ${command} | head -n 1; echo "code $\{PIPESTATUS[0]}"`;
    const { stdout, stderr } = await start(
      'bash',
      ['-c', line, process.execPath, program],
      w.folder,
      w.folder,
    );
    expect(stderr).toBe('');
    expect(stdout).toContain('code 0');
  }
});

const hasScript = spawnSync('script', ['--version']).status === 0;

describe.skipIf(!hasScript)('on a terminal (needs the command script)', () => {
  // A new terminal has no size.
  const onTerminal = (command: string, env: Record<string, string> = {}, more: RunOptions = {}) =>
    start('script', ['-qec', `stty cols 80 rows 24; ${command}`, '/dev/null'], w.folder, w.folder, {
      env: { TERM: 'xterm', CI: '', NO_COLOR: '', ...env },
      ...more,
    });
  const quoted = [process.execPath, program, ...job, '--no-measure', '--evaluate', '40']
    .map((word) => `'${word}'`)
    .join(' ');
  const [hide, show] = ['\u001b[?25l', '\u001b[?25h'];

  it('shows one line that moves, gives the cursor back, and leaves one line a step', async () => {
    const { stdout } = await onTerminal(quoted);
    expect(stdout).toContain(hide);
    expect(stdout.lastIndexOf(show)).toBeGreaterThan(stdout.lastIndexOf(hide));
    expect(stdout).toMatch(/calibrate {3}█+.*\d+\/\d+/);
    expect(stdout.match(/✔/g)?.length).toBe(7);
  });

  it('gives the cursor back after Ctrl-C', async () => {
    let pressed = false;
    const { stdout, code } = await onTerminal(
      `exec ${quoted}`,
      {},
      {
        onStdout(text, child) {
          if (pressed || !text.includes('calibrate')) return;
          pressed = true;
          child.stdin?.write('\u0003');
        },
      },
    );
    expect(code).toBe(130);
    expect(stdout).toContain('Stopped. Nothing was written.');
    expect(stdout.lastIndexOf(show)).toBeGreaterThan(stdout.lastIndexOf(hide));
  });

  it.each([
    ['CI', 'CI=1'],
    ['NO_COLOR', 'NO_COLOR=1'],
    ['no size', 'SIZE=0'],
  ])('prints plain lines with %s', async (_, setting) => {
    const [name, value] = setting.split('=') as [string, string];
    const { stdout } = await onTerminal(name === 'SIZE' ? `stty cols 0; ${quoted}` : quoted, {
      [name]: value,
    });
    expect(stdout).not.toContain(hide);
    expect(stdout).not.toContain('█');
    expect(stdout).toMatch(/^ {2}compare +40 samples/m);
  });
});
