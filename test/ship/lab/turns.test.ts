/** Runs by turns in the lab: what pages ask for, and what the lab takes. */
import { rmSync } from 'node:fs';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DoneRun, Message, Run } from '../../../src/ship/lab/messages.ts';
import { groupsOf, takeTurns } from '../../../src/ship/lab/page/turns.ts';
import { deviceResult, fastestOf, mergeMeasured } from '../../../src/ship/lab/results.ts';
import { createRoster } from '../../../src/ship/lab/roster.ts';
import { writeBundle } from './bundle.ts';
import { facts, measured } from './device.ts';

const { folder, manifest: made } = writeBundle();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [float] = made.variants;
const manifest = { ...made, variants: [float!, { ...float!, name: 'int8' }, { ...float!, name: 'tfjs' }] };
const at = (variant: string, threads = 1): Run => ({ variant, provider: 'wasm', threads });
const runs = [at('int8'), at('float'), at('tfjs')];

describe('a page', () => {
  const done = (of: Run, more: Partial<DoneRun> = {}): DoneRun => ({ run: of, outcome: measured, ...more });

  it('groups what was measured at one place, the float variant first, and leaves what took turns already', () => {
    const failed: DoneRun = { run: at('tfjs', 4), outcome: { kind: 'failed', message: 'no' } };
    expect(groupsOf([...runs.map((r) => done(r)), done(at('float', 4)), failed])).toEqual([
      [at('float'), at('int8'), at('tfjs')],
    ]);
    const against = {
      variant: 'float',
      ratio: 1,
      interval: [1, 1] as [number, number],
      change: 'same' as const,
    };
    expect(groupsOf(runs.map((r) => done(r, r.variant === 'float' ? {} : { against })))).toEqual([]);
  });

  const kept = new Map<string, string>();
  beforeEach(() => {
    kept.clear();
    vi.stubGlobal('sessionStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
    });
  });

  const asked = async (memoryGb: number, holds: (group: readonly Run[]) => boolean) => {
    const groups: string[] = [];
    const group = [at('float'), at('int8'), at('tfjs')];
    await takeTurns(group, manifest, { memoryGb }, 'a session', async (some) => {
      groups.push(some.map((r) => r.variant).join(' '));
      return holds(some);
    });
    return groups;
  };

  it('runs all of them by turns; where they do not fit, each with the first; and once only, reload or not', async () => {
    expect(await asked(8, () => true)).toEqual(['float int8 tfjs']);
    kept.clear();
    expect(await asked(8, (group) => group.length < 3)).toEqual([
      'float int8 tfjs',
      'float int8',
      'float tfjs',
    ]);
    expect(await asked(8, () => true)).toEqual([]);
  });

  it('does not try what the memory of the device does not hold', async () => {
    const twoFit = (2.5 * 6 * float!.bytes) / 2 ** 30;
    expect(await asked(twoFit, () => true)).toEqual(['float int8', 'float tfjs']);
  });
});

describe('the lab', () => {
  const joined = () => {
    const roster = createRoster({ manifest, runtime: '1.30.0', maxDevices: 1 });
    const { session } = roster.join({ token: roster.token, session: null, device: facts });
    const send = (message: Message) => roster.take(session, message);
    send({ type: 'plan', runs: [...runs, at('float', 4)], left: [] });
    for (const each of runs) send({ type: 'result', run: each, outcome: measured });
    return { send, device: roster.devices[0]! };
  };
  const samplesMs = [
    [4, 8, 4, 4.1, 4, 4],
    [2, 4, 2, 2.1, 2, 2],
    [4, 8.2, 4, 4, 4, 4.2],
  ];

  it('compares each with the first by neighbouring runs, in results, table and manifest', () => {
    const { send, device } = joined();
    send({ type: 'turns', runs: [at('float'), at('int8'), at('tfjs')], samplesMs });
    const result = deviceResult(device, manifest, 'onnxruntime-web 1.30.0');
    const of = (name: string) => result.runs.find((r) => r.variant === name)!.measured!;
    expect(of('int8')).toMatchObject({ medianMs: 2, repetitions: 6, firstRunMs: measured.firstRunMs });
    expect(of('int8').against).toMatchObject({ variant: 'float', ratio: 2, change: 'faster' });
    expect(of('tfjs').against!.change).toBe('same');
    expect(of('float').against).toBeUndefined();
    expect(fastestOf(result).map((r) => r.variant)).toEqual(['int8']);
    const { variants } = mergeMeasured(manifest, [result]);
    expect(variants[1]!.measured[0]!.against).toMatchObject({ variant: 'float', ratio: 2 });
  });

  it('keeps the first pair of what is in several, and takes no pair twice', () => {
    const { send, device } = joined();
    send({ type: 'turns', runs: [at('float'), at('int8')], samplesMs: samplesMs.slice(0, 2) });
    send({
      type: 'turns',
      runs: [at('float'), at('tfjs')],
      samplesMs: [
        [9, 9],
        [9, 9],
      ],
    });
    expect(device.done.get('float/wasm/1')!.outcome).toMatchObject({ samplesMs: samplesMs[0] });
    const again = () => send({ type: 'turns', runs: [at('float'), at('int8')], samplesMs: [[1], [1]] });
    expect(again).toThrow(expect.objectContaining({ code: 'LAB_REPEATED' }));
  });

  it('takes turns only of what it has measured at one place, with as many samples of each', () => {
    const { send } = joined();
    const wrong: [Run[], number[][]][] = [
      [
        [at('float'), at('float', 4)],
        [[1], [1]],
      ],
      [
        [at('float', 4), at('int8', 4)],
        [[1], [1]],
      ],
      [
        [at('float'), at('float')],
        [[1], [1]],
      ],
      [
        [at('float'), at('int8')],
        [[1, 2], [1]],
      ],
      [
        [at('float'), at('int8')],
        [[1], [1], [1]],
      ],
    ];
    for (const [some, samples] of wrong)
      expect(() => send({ type: 'turns', runs: some, samplesMs: samples })).toThrow(
        expect.objectContaining({ code: 'LAB_MESSAGE' }),
      );
  });

  it('says nothing of a comparison where the clock is too coarse', () => {
    const { send, device } = joined();
    send({
      type: 'turns',
      runs: [at('float'), at('int8')],
      samplesMs: [
        [0, 1, 0],
        [0, 0, 1],
      ],
    });
    expect(device.done.get('int8/wasm/1')!.against).toBeUndefined();
  });
});
