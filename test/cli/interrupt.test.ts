import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWorkspace, data, program, start, type Workspace } from './program.ts';

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
    const { code, stderr, stdout } = await w.run(job, {
      onStderr(text, child) {
        if (sent || !text.includes(`  ${step} `)) return;
        sent = true;
        child.kill(signal);
      },
    });
    expect(sent).toBe(true);
    expect(code).toBe(130);
    expect(stderr).toMatch(/Stopped\. Nothing was written\.\n$/);
    expect(stdout).toBe('');
    expect(w.listing()).toEqual(before);
  });

  it.each(['sequence-gru', 'sequence-transformer'])('stops while %s keeps the thread busy', async (name) => {
    w.copy(name);
    const samples = data(name === 'sequence-gru' ? 'waves.npz' : 'sentiment.npz');
    let sent = false;
    const { code, stderr } = await w.run([`${name}.onnx`, '--int8', '--data', samples, '--no-cache'], {
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
    const { code } = await w.run(job, {
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

it('a reader that has seen enough is no failure', async () => {
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
  const onTerminal = (command: string, env: Record<string, string> = {}) =>
    start('script', ['-qec', command, '/dev/null'], w.folder, w.folder, {
      env: { TERM: 'xterm', CI: '', NO_COLOR: '', ...env },
    });
  const quoted = [process.execPath, program, ...job, '--no-measure'].map((word) => `'${word}'`).join(' ');

  it('shows one line that moves, gives the cursor back, and leaves one line a step', async () => {
    const { stdout } = await onTerminal(quoted);
    expect(stdout).toContain('\u001b[?25l');
    expect(stdout.lastIndexOf('\u001b[?25h')).toBeGreaterThan(stdout.lastIndexOf('\u001b[?25l'));
    expect(stdout).toMatch(/calibrate {3}█+░*.* \d+\/\d+/);
    expect(stdout.match(/✔/g)?.length).toBe(7);
  });

  it('gives the cursor back after Ctrl-C', async () => {
    // timeout sends SIGINT, as the terminal does for Ctrl-C.
    const { stdout } = await onTerminal(`timeout --foreground -s INT 0.8 ${quoted}`);
    expect(stdout).toContain('Stopped. Nothing was written.');
    expect(stdout.lastIndexOf('\u001b[?25h')).toBeGreaterThan(stdout.lastIndexOf('\u001b[?25l'));
  });

  it.each(['CI', 'NO_COLOR'])('prints plain lines when %s is set', async (name) => {
    const { stdout } = await onTerminal(quoted, { [name]: '1' });
    expect(stdout).not.toContain('\u001b[?25l');
    expect(stdout).not.toContain('█');
    expect(stdout).toMatch(/^ {2}compare +200 samples/m);
  });
});
