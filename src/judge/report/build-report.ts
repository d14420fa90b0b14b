/** Puts the report together from what the job found. */
import type { Recipe } from '../../compress/pipeline/recipe.ts';
import type { Journal } from '../../compress/pipeline/run.ts';
import type { Trial } from '../../compress/pipeline/trial.ts';
import type { DataOptions, Prepared } from '../../data/prepare-data.ts';
import { version } from '../../support/version.ts';
import { budgeted } from '../task/measure.ts';
import type { Task } from '../task/task.ts';
import type { Account } from './account.ts';
import { dataFacts, targetFacts } from './header.ts';
import { measuresOf } from './measure-words.ts';
import { nextSteps } from './next-steps.ts';
import type { Probe } from './probe.ts';
import type { Layer, ModelFacts, PairMeasurement, PairResult, Report } from './report.ts';
import {
  insteadSummary,
  precisionSummary,
  restoredSummary,
  slowerSummary,
  stageSummary,
} from './stage-summary.ts';
import type { StepsRecord } from './steps.ts';
import type { TrainingFacts, TrainingRecord } from './training.ts';
import { judge, sameAnswers } from './verdict.ts';

export interface ReportParts {
  readonly options: {
    readonly input: string;
    readonly recipe: Recipe;
    readonly command: string;
    readonly config?: Report['config'];
    readonly data?: DataOptions | undefined;
  };
  readonly source: ModelFacts;
  readonly result: ModelFacts;
  /** What the model is for. */
  readonly task: Task;
  readonly journal: Journal;
  readonly layers: Layer[];
  readonly account: Account;
  readonly data: Prepared | null;
  readonly pair: PairResult | null;
  /** What the pair ran on where no samples were held back. */
  readonly probe: Probe | null;
  readonly measured: PairMeasurement | null;
  /** What was done before the recipe; null when nothing was. */
  readonly staged: StepsRecord | null;
  /** Of the quantised model; training of steps is in `staged`. */
  readonly training: readonly TrainingRecord[];
  /** What --max-drop bounds; undefined where it bounds nothing. */
  readonly budget: Report['budget'];
  /** What its format says of the file that was written. */
  readonly inFile: readonly string[];
  readonly files: string[];
  readonly leftOut: NonNullable<Report['leftOut']>;
  /** What exporters had written of the machine; null where it is kept. */
  readonly stripped: Report['stripped'] | null;
  /** What was tried first, and lost too much; null where the first was taken. */
  readonly instead: Report['precision']['instead'] | null;
  /** Time of computing in int8 as a multiple of that in floats, where it was given up for that; else null. */
  readonly slower: number | null;
  /** Layers that compute in float again for the budget's sake; null where none had to. */
  readonly restored: Report['precision']['restored'] | null;
  /** What was tried before this was chosen; null where nothing was. */
  readonly search: Report['search'] | null;
  /** What isn't as it was asked for in the file, in sentences. */
  readonly remarks: readonly string[];
  /** The machine that all of it ran on. */
  readonly environment: Report['environment'];
}

export function buildReport(parts: ReportParts): Report {
  const { options, source, result, pair, layers } = parts;
  const mode = precisionMode(layers);
  // Without a precision asked for, being in float needs no reason.
  const asked = parts.journal.stages.some((s) => s.passes.some((p) => p.effect === 'lossy'));
  const trained = [...(parts.staged?.training ?? []), ...parts.training].map(trainingFacts);
  const trials = parts.journal.stages.flatMap((stage) => stage.trials.map(trialFacts));
  const body: Omit<Report, 'verdict'> = {
    schema: 'edgepress/report@1',
    tool: { name: 'edgepress', version },
    createdAt: new Date().toISOString(),
    command: options.command,
    config: options.config,
    environment: parts.environment,
    source,
    result,
    task: parts.task,
    target: targetFacts(options.recipe.target, result.file),
    precision: {
      mode,
      summary: [
        precisionSummary(layers),
        ...(parts.instead ? [insteadSummary(parts.instead)] : []),
        ...(parts.slower === null ? [] : [slowerSummary(parts.slower)]),
        ...(parts.restored ? [restoredSummary(parts.restored)] : []),
      ].join(' · '),
      ...(trials.length > 0 && { trials }),
      ...(parts.instead && { instead: parts.instead }),
      ...(parts.slower !== null && { slower: parts.slower }),
      ...(parts.restored && { restored: parts.restored }),
    },
    data: parts.data && dataFacts(parts.data),
    stages: [
      ...(parts.staged?.stages ?? []).map((stage) => ({ ...stage, passes: [] })),
      ...parts.journal.stages.map((stage) => ({
        name: stage.name,
        summary: stageSummary(stage, layers),
        ms: stage.ms,
        passes: stage.passes,
      })),
    ],
    training: trained.length > 0 ? trained : undefined,
    steps: parts.staged ? stepRows(parts, parts.staged, mode) : undefined,
    layers: asked ? layers : layers.map((l) => ({ ...l, reason: null })),
    account: parts.account,
    inFile: parts.inFile.length > 0 ? [...parts.inFile] : undefined,
    skipped: [...(parts.staged?.skips ?? []), ...parts.journal.skips],
    compare: pair?.compare ?? null,
    ...(parts.probe && { probe: parts.probe }),
    evaluation: pair?.evaluation ?? null,
    ...(parts.budget && { budget: parts.budget }),
    latency: parts.measured?.latency ?? [],
    memory: parts.measured?.memory ?? null,
    variants: variants(parts, mode),
    recipe: options.recipe,
    next: nextSteps(parts, mode),
    files: parts.files,
    ...(parts.leftOut.length > 0 && { leftOut: [...parts.leftOut] }),
    ...(parts.stripped && parts.stripped.texts > 0 && { stripped: parts.stripped }),
    ...(parts.remarks.length > 0 && { remarks: [...parts.remarks] }),
    ...(parts.search && { search: parts.search }),
  };
  return { ...body, verdict: judge(body) };
}

const trialFacts = (t: Trial) => ({ ...t, candidates: t.candidates.map((c) => ({ ...c })) });

const trainingFacts = (t: TrainingRecord): TrainingFacts => ({
  ...t,
  losses: [...t.losses],
  idle: [...t.idle],
  epochs: t.epochs.map((e) => ({ ...e })),
});

/** The model on its way, quantised last; without a precision the last step's model is the result. Sizes and
 *  parameters are those of files: what was given, each step's model tidied as a result is, what was written. */
function stepRows(
  { source, result, pair, measured }: ReportParts,
  staged: StepsRecord,
  precision: Report['precision']['mode'],
): NonNullable<Report['steps']> {
  const ends = staged.milestones.length - 1;
  const fileOf = (i: number) => (i === 0 ? source : precision === 'none' && i === ends ? result : null);
  const rows = staged.milestones.map((m, i) => {
    const { sizeBytes, parameters } = fileOf(i) ?? m;
    return { ...m, sizeBytes, parameters };
  });
  const metric = rows[0]?.metric ?? null;
  const agreement = pair && sameAnswers(pair);
  const value =
    metric === 'accuracy'
      ? (pair?.evaluation?.metrics[0]?.after ?? null)
      : metric === 'agreement'
        ? agreement
        : ((pair && measuresOf(pair).find(({ name }) => name === metric)?.value) ?? null);
  if (precision === 'none') return rows;
  const last = {
    name: precision === 'float16' || precision === 'q4' ? precision : 'int8',
    sizeBytes: result.sizeBytes,
    parameters: result.parameters,
    macs: result.macs,
    metric,
    value,
    latencyMs: measured?.latency.find((l) => l.model === 'after')?.medianMs ?? null,
  };
  return [...rows, last];
}

function precisionMode(layers: readonly Layer[]): Report['precision']['mode'] {
  if (layers.some((l) => l.precision === 'q4')) return 'q4';
  if (layers.some((l) => l.precision === 'float16')) return 'float16';
  if (layers.some((l) => l.precision === 'int8')) return 'static';
  if (layers.some((l) => l.precision === 'int8-dynamic')) return 'dynamic';
  return layers.some((l) => l.precision === 'int8-weights') ? 'weight-only' : 'none';
}

function variants({ source, result, pair }: ReportParts, mode: string): Report['variants'] {
  const accuracy = pair?.evaluation?.metrics[0];
  const measure = pair ? budgeted(measuresOf(pair)) : null;
  const metric = accuracy?.name ?? measure?.name ?? null;
  const row = (name: string, facts: ModelFacts, value: number | null, current: boolean) => ({
    name,
    sizeBytes: facts.sizeBytes,
    brotliBytes: facts.brotliBytes,
    metric,
    value,
    current,
  });
  const original = accuracy ? accuracy.before : (measure?.ideal ?? null);
  return [
    row('original', source, original, false),
    row(
      mode === 'float16' || mode === 'q4' ? mode : mode === 'none' ? 'result' : `int8 ${mode}`,
      result,
      accuracy ? accuracy.after : (measure?.value ?? null),
      true,
    ),
  ];
}
