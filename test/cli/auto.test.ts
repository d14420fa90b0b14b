/** compress --auto: what it leaves, what it proves, and what it says when nothing will do. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Report, reportSchema } from '../../src/judge/report/report.ts';
import { createWorkspace, data, type Workspace } from './program.ts';

let w: Workspace;
beforeEach(() => {
  w = createWorkspace();
  w.copy('glyphs-mlp', 'model.onnx');
});
afterEach(() => w.remove());

/** Whether a network of microseconds got faster is not what is tested: any time will do. */
const search = ['model.onnx', '--auto', '--data', data('glyphs-grey.npz'), '--max-latency', '10s'];
/** Of machines that do other work besides. */
const patience = 300_000;
const reportIn = (file: string): Report => reportSchema.parse(JSON.parse(readFileSync(w.path(file), 'utf8')));
const visible = () => readdirSync(w.folder).sort();

/** What a command line has in words, without quotes. */
const wordsOf = (command: string) => command.split(' ').slice(1);

describe('a search', () => {
  it(
    'leaves the best it found, judged by samples that chose nothing, which its command makes again',
    async () => {
      const { code, stdout, stderr } = await w.start([...search, '-o', 'small.onnx', '--time', '60s']);
      expect(stderr).toContain('chosen');
      expect(code).toBe(0);
      expect(stdout).toContain('points lost');
      const report = reportIn('small.report.json');
      const { candidates, samples, time } = report.search!;
      const chosen = candidates.filter((one) => one.chosen);
      expect(chosen).toHaveLength(1);
      const [{ metrics, command, name }] = chosen as [(typeof chosen)[0]];
      expect(metrics!.pointsLost).toBeLessThanOrEqual(1);
      expect(report.budget!.lost).toBeLessThanOrEqual(1);
      expect(report.budget!.samples).toBe(report.data!.evaluationSamples);
      expect(samples).toBeGreaterThan(0);
      expect(time.limitMs).toBe(60_000);
      // Smaller than every precision alone that keeps the budget as well, or that very one.
      const alone = candidates.filter(
        (one) => one.reason === null && one.metrics && !one.command.includes('--macs'),
      );
      expect(alone.length).toBeGreaterThan(0);
      for (const one of alone)
        expect(report.result.sizeBytes).toBeLessThanOrEqual(1.03 * one.metrics!.sizeBytes);
      expect(readFileSync(w.path('small.report.html'), 'utf8')).toContain('What was tried');
      expect(readFileSync(w.path('small.report.md'), 'utf8')).toContain('What was tried');
      const again = await w.run([...wordsOf(command), '-o', 'again.onnx', '--no-measure']);
      expect(again.code, `${name}: ${again.stderr}`).toBe(0);
      const made = ['small', 'again'].map((file) => reportIn(`${file}.report.json`));
      expect(made[1]!.evaluation).toEqual(made[0]!.evaluation);
      // What was tried is found again, however little time there is.
      const second = await w.start([...search, '-o', 'b.onnx', '--time', '20s']);
      expect(second.code).toBe(0);
      const found = reportIn('b.report.json').search!.candidates;
      for (const [i, one] of candidates.entries())
        if (one.metrics !== null && found[i]?.metrics) expect(found[i].metrics).toEqual(one.metrics);
      expect(found.filter((one) => one.metrics).length).toBeGreaterThan(3);
    },
    patience,
  );

  it(
    'that nothing can satisfy says what came nearest, and writes nothing',
    async () => {
      const before = visible();
      const { code, stderr } = await w.start([...search, '--max-size', '1kB', '--time', '60s']);
      expect(code).toBe(4);
      expect(stderr).toContain('AUTO_BUDGET');
      expect(stderr).toMatch(/The nearest, .*: .*above 1.00 kB/s);
      expect(visible()).toEqual(before);
    },
    patience,
  );

  it('that is stopped leaves the best so far, and says that nothing else has judged it', async () => {
    let sent = false;
    const { code, stdout } = await w.start([...search, '-o', 'small.onnx'], {
      onStderr(text, child) {
        // Two are known.
        if (sent || (text.match(/points lost/g) ?? []).length < 2) return;
        sent = true;
        child.kill('SIGINT');
      },
    });
    expect(sent).toBe(true);
    expect(code).toBe(130);
    expect(stdout).toContain('small.onnx');
    const report = reportIn('small.report.json');
    expect(report.search!.time.ended).toBe('interrupted');
    expect(report.verdict.warnings[0]!.text).toContain('was stopped');
    expect(visible()).toEqual(
      ['model.onnx', 'small.onnx', 'small.report.html', 'small.report.json', 'small.report.md'].sort(),
    );
  });

  it.each([
    [['--int8'], 'CONFLICTING_OPTION'],
    [['--no-compare'], 'CONFLICTING_OPTION'],
    [['--target', 'mobile'], 'LATENCY_NOT_MEASURED'],
    [['--time', 'soon'], 'INVALID_ARGUMENT'],
    [['-o', 'model.pb'], 'FORMAT_UNNAMED'],
    [['-o', 'no/such/folder/a.onnx'], 'FOLDER_NOT_FOUND'],
  ])('with %j is refused before any work', async (more, expected) => {
    const before = visible();
    const { code, stderr } = await w.run([...search, ...more]);
    expect([code, stderr.includes(expected)]).toEqual([2, true]);
    expect(visible()).toEqual(before);
  });

  it('is what its options need', async () => {
    const { code, stderr } = await w.run(['model.onnx', '--int8', '--max-size', '1MB']);
    expect(code).toBe(2);
    expect(stderr).toContain('OPTION_WITHOUT_EFFECT');
    expect(stderr).toContain('--auto');
  });
});
