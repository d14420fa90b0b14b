/** Entry of the lab page: joins, measures what it can, sends it, and shows it. A reload goes on where it stopped. */
import type { Manifest } from '../../emit/manifest.ts';
import { againstOf } from '../../profile/compare-runs.ts';
import type { DeviceFacts, DoneRun, JoinReply, Outcome, Run } from '../messages.ts';
import { describeProvider, describeRun, runKey } from '../naming.ts';
import { describeDevice } from './capabilities.ts';
import { join, send, tokenOf } from './client.ts';
import { planRuns } from './plan.ts';
import { rank } from './ranking.ts';
import { measureInWorker } from './run.ts';
import type { TakenTurns, WorkerTask } from './tasks.ts';
import { groupsOf, takeTurns } from './turns.ts';
import { createView } from './view.ts';
import { keepAwake, untilVisible } from './wake.ts';

const view = createView();

/** A run that was begun so often and never ended takes the page down with it. */
const maxStarts = 3;

type Done = Map<string, DoneRun>;

async function main(): Promise<void> {
  const token = tokenOf(location.hash);
  if (!token)
    return view.status(
      'No token',
      'Scan the code in the terminal, or open the whole link that stands there.',
      'bad',
    );
  keepAwake();
  const device = await describeDevice();
  view.device(device);
  const joined = await join(token, device);
  if ('refused' in joined) return view.status('Not connected', joined.refused.message, 'bad');
  const reply = joined.value;
  const done: Done = new Map(reply.done.map((d) => [runKey(d.run), d]));
  if (reply.finished)
    view.plan(
      reply.done.map(({ run }) => run),
      [],
    );
  const problem = reply.finished ? null : await measureAll(reply, device, done);
  finish(done, device, problem);
}

/** @returns why results did not reach the terminal; null when they did */
async function measureAll(reply: JoinReply, device: DeviceFacts, done: Done): Promise<string | null> {
  const manifest = reply.manifest as Manifest;
  const plan = planRuns(manifest, device);
  const { session } = reply;
  let lost: string | null = null;
  const tell = async (message: Parameters<typeof send>[1]) => {
    // Once the lab is gone, measuring goes on for whoever holds the phone, without waiting for each try.
    if (lost !== null) return;
    const answer = await send(session, message);
    if ('refused' in answer) lost = answer.refused.message;
  };
  view.plan(plan.runs, plan.left);
  view.status(
    `${plan.runs.length} ${plan.runs.length === 1 ? 'run' : 'runs'} to measure`,
    plan.runs.length > 0
      ? 'Keep this page open. Nothing to press.'
      : 'Nothing in this bundle runs in this browser.',
  );
  for (const { run, outcome } of done.values()) view.outcome(run, outcome);
  await tell({ type: 'plan', runs: [...plan.runs], left: [...plan.left] });
  for (const [i, run] of plan.runs.entries()) {
    if (done.has(runKey(run))) continue;
    view.status(`Measuring ${i + 1} of ${plan.runs.length}`, describeRun(run));
    const outcome =
      (reply.starts[runKey(run)] ?? 0) >= maxStarts
        ? gaveUp
        : await measureRun(run, manifest, session, () => tell({ type: 'start', run }));
    done.set(runKey(run), { run, outcome });
    view.outcome(run, outcome);
    await tell({ type: 'result', run, outcome });
  }
  for (const group of groupsOf(done.values()))
    await takeTurns(group, manifest, device, session, async (runs) => {
      view.status(`Comparing ${runs.length} variants`, `${describeProvider(runs[0]!)}, by turns`);
      const samplesMs = await turnsOf(runs, manifest, session);
      if (!samplesMs) return false;
      const turns = runs.map((run, i) => compared(done.get(runKey(run))!, runs[0]!, samplesMs, i));
      for (const turn of turns) done.set(runKey(turn.run), turn);
      for (const { run, outcome } of turns) view.outcome(run, outcome);
      await tell({ type: 'turns', runs: [...runs], samplesMs: samplesMs.map((samples) => [...samples]) });
      return true;
    });
  await tell({ type: 'finish' });
  return lost;
}

/** As the lab keeps it: see roster.ts. */
function compared(done: DoneRun, base: Run, samplesMs: TakenTurns['samplesMs'], i: number): DoneRun {
  const { run, outcome } = done;
  if (outcome.kind !== 'measured') return done;
  const against = i === 0 ? null : againstOf(base.variant, samplesMs[0]!, samplesMs[i]!);
  return { run, outcome: { ...outcome, samplesMs: [...samplesMs[i]!] }, ...(against ? { against } : {}) };
}

/** null where it could not be done; each was measured alone then. */
async function turnsOf(
  runs: readonly Run[],
  manifest: Manifest,
  session: string,
): Promise<TakenTurns['samplesMs'] | null> {
  for (let i = 0; i < 5; i++) {
    await untilVisible();
    const outcome = await measureInWorker(taskOf(runs, manifest, session), () => {});
    if (outcome !== 'hidden') return outcome.kind === 'turns' ? outcome.samplesMs : null;
  }
  return null;
}

function taskOf(runs: readonly Run[], manifest: Manifest, session: string): WorkerTask {
  const { inputs, outputs, preprocessing } = manifest;
  const { provider, threads } = runs[0]!;
  const variants = runs.map((run) => manifest.variants.find((v) => v.name === run.variant)!);
  const [first, ...others] = variants;
  return { provider, threads, variants: [first!, ...others], inputs, outputs, preprocessing, session };
}

const gaveUp: Outcome = {
  kind: 'failed',
  message: `The page was reloaded ${maxStarts} times during this run; most often the device ran out of memory.`,
};

/** Until it was in sight from begin to end, but not for ever. */
async function measureRun(
  run: Run,
  manifest: Manifest,
  session: string,
  onStart: () => Promise<void>,
): Promise<Outcome> {
  await onStart();
  for (let i = 0; i < 5; i++) {
    await untilVisible();
    const task = taskOf([run], manifest, session);
    const outcome = await measureInWorker(task, (step, fraction) => view.progress(run, step, fraction));
    if (outcome !== 'hidden' && outcome.kind !== 'turns') return outcome;
    view.progress(run, 'download', 0);
  }
  return {
    kind: 'failed',
    message: 'The page was put away during each of 5 tries; browsers slow such pages down.',
  };
}

function finish(done: Done, device: DeviceFacts, problem: string | null): void {
  const results = [...done.values()];
  view.table(results, device);
  const fastest = rank(results, device).filter((ranked) => ranked.isFastest);
  const [first] = fastest;
  const failed = results.filter(({ outcome }) => outcome.kind === 'failed').length;
  const said = [
    fastest.length > 1
      ? `Fastest, as fast within noise: ${fastest.map(({ run }) => describeRun(run)).join('; ')}.`
      : first
        ? `Fastest: ${describeRun(first.run)}, ${first.median}.`
        : 'Nothing could be ranked.',
    failed > 0 ? `${failed} failed.` : '',
  ];
  if (problem !== null) view.status('Not sent', `${problem} ${said.join(' ')}`, 'bad');
  else view.status('Sent to your terminal', `${said.join(' ')} You can close this page.`.trim(), 'good');
}

main().catch((error: unknown) => {
  view.status('Something went wrong', error instanceof Error ? error.message : String(error), 'bad');
});
