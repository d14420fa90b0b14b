/** Runs two models over the same samples: how far their outputs are apart, and what each makes of the labels. */

import type { Session, SessionOptions } from '../compute/engine/contract.ts';
import { openOn } from '../compute/engine/open-model.ts';
import type { RunContext } from '../compute/engine/run-context.ts';
import { classOf, describeLabel } from '../data/label.ts';
import { readAll } from '../data/read-all.ts';
import type { DataSource, Sample } from '../data/source.ts';
import { encoderPorts } from '../data/text/encoder-ports.ts';
import { createComparer, type Top1 } from '../judge/analyze/compare.ts';
import { type ClassificationMeter, createClassificationMeter } from '../judge/evaluate/classification.ts';
import { createRunningTextMeter, type RunningTextMeter } from '../judge/evaluate/running-text.ts';
import { confusionOf } from '../judge/report/confusion.ts';
import type { PairResult, Report } from '../judge/report/report.ts';
import { openMeter, taskMeasures } from '../judge/task/measures-of.ts';
import type { Difference, Meter } from '../judge/task/meter.ts';
import { recogniseTask } from '../judge/task/recognise.ts';
import { decidingOutputs, outputsAs, type Task } from '../judge/task/task.ts';
import type { OpenedModel, Runnable } from '../model/formats/opened.ts';
import type { Port } from '../model/ir/port.ts';
import { elementCount, float32Values, type Tensor } from '../model/ir/tensor.ts';
import { createBreather } from '../support/breathe.ts';
import { noScores } from '../support/diagnostics/data.ts';
import { pairedInterval } from '../support/statistics.ts';

export interface Subject<M extends Runnable = Runnable> {
  readonly model: M;
  readonly session?: SessionOptions;
}

export interface RunPairOptions extends RunContext {
  readonly source: DataSource;
  readonly indices: readonly number[];
  /** What the models are for; recognised where it is left out. */
  readonly task?: Task | undefined;
  /** Pictures of samples where the two disagree, at most. */
  readonly pictures?: number;
}

/** @throws what engines and sources throw; COMPARE_OUTPUTS when the models' outputs don't match; LABEL_RANGE */
export async function runPair(
  before: Subject<OpenedModel>,
  after: Subject,
  options: RunPairOptions,
): Promise<PairResult> {
  const { engine, source, indices } = options;
  const a = await openOn(engine, before.model, before.session);
  try {
    const b = await openOn(engine, after.model, after.session);
    try {
      const task = options.task ?? recogniseTask(before.model.model, { labelled: source.labelled });
      const comparer = createComparer(a.outputs, a.inputs, decidingOutputs(task));
      const meter = openMeter({ task, inputs: a.inputs, outputs: a.outputs });
      const meters = isLabelled(source, task) ? createMeters(a.outputs, source) : null;
      const running = source.isRunningText ? runningTextMeter(a.inputs, task) : null;
      const disagreements: Disagreement[] = [];
      const breathe = createBreather();
      let done = 0;
      for await (const sample of readAll(source, indices)) {
        options.signal?.throwIfAborted();
        const x = await a.run(feedsFor(a, sample));
        const y = await b.run(feedsFor(b, sample));
        meters?.add(x, y, sample);
        running?.add(x, y, sample.inputs);
        const top = comparer.add(x, y);
        const differs = meter ? meter.add(x, y, sample) : top && namedTop(top, source);
        if (differs) await note(differs, sample, indices[done]!, disagreements, options);
        done++;
        options.onProgress?.(done, indices.length);
        await breathe();
      }
      const result = comparer.result();
      const runtime = `${engine.name} ${engine.version}`;
      return {
        compare: {
          samples: result.samples,
          runtime,
          outputs: [...result.outputs],
          measures: [...taskMeasures(meter, result.outputs)],
          disagreements,
        },
        evaluation:
          meters?.result(runtime) ??
          (running && perplexityOf(running, result.samples, runtime)) ??
          ownEvaluation(meter, { task, source, runtime, samples: result.samples }),
      };
    } finally {
      await b.close();
    }
  } finally {
    await a.close();
  }
}

/** Pictures with both models' boxes or masks on them. */
const mostDrawn = 6;

type Disagreement = NonNullable<Report['compare']>['disagreements'][number];

export const feedsFor = (session: Session, sample: Sample): Record<string, Tensor> =>
  Object.fromEntries(
    session.inputs.flatMap((p) =>
      Object.hasOwn(sample.inputs, p.name) ? [[p.name, sample.inputs[p.name]!]] : [],
    ),
  );

async function note(
  { before, after, drawing }: Difference,
  sample: Sample,
  index: number,
  list: Disagreement[],
  { source, pictures = 12 }: RunPairOptions,
): Promise<void> {
  // Drawn pictures are large.
  if (list.length >= (drawing ? Math.min(pictures, mostDrawn) : pictures)) return;
  const { label } = sample;
  const truth =
    label === undefined ? null : typeof label === 'number' ? className(source, label) : describeLabel(label);
  const picture = (await source.picture?.(index, drawing)) ?? null;
  const drawn = drawing && picture !== null ? { drawn: drawing.kind } : {};
  list.push({ id: sample.id, before, after, truth, picture, ...drawn });
}

/** null where both decide alike. */
const namedTop = ({ before, after }: Top1, source: DataSource): Difference | null =>
  before === after ? null : { before: className(source, before), after: className(source, after) };

/** What samples themselves say is right, of tasks other than classification; made-up ones say nothing. */
function ownEvaluation(
  meter: Meter | null,
  about: Pick<NonNullable<Report['evaluation']>, 'runtime' | 'samples'> & {
    readonly task: Task;
    readonly source: DataSource;
  },
): Report['evaluation'] {
  const { task, source, ...rest } = about;
  const metrics = source.kind === 'synthetic' ? [] : (meter?.quality?.() ?? []);
  return metrics.length > 0 ? { task: task.name, ...rest, metrics: [...metrics] } : null;
}

/** Whether labels are classes of what this model answers with. */
export const isLabelled = (source: Pick<DataSource, 'labelled'>, { name }: Pick<Task, 'name'>): boolean =>
  source.labelled && (name === 'classification' || name === 'other');

const className = ({ classes }: DataSource, index: number) => classes?.[index] ?? `class ${index}`;

/** The output that scores classes: float, [batch, classes], preferably called so. */
export function scoresOutput(outputs: readonly Port[]): Port | null {
  const fitting = outputs.filter(
    (p) => p.dtype.startsWith('float') && (p.shape === null || (p.shape.length <= 2 && p.shape.length > 0)),
  );
  return fitting.find((p) => /logit|prob|score|class|label|softmax/i.test(p.name)) ?? fitting[0] ?? null;
}

interface Meters {
  add(x: Record<string, Tensor>, y: Record<string, Tensor>, sample: Pick<Sample, 'label'>): void;
  result(runtime: string): NonNullable<Report['evaluation']>;
}

/** What both models make of the labels. @throws NO_SCORES */
export function createMeters(outputs: readonly Port[], source: DataSource): Meters {
  const port = scoresOutput(outputs);
  if (!port) throw noScores(outputs.map((p) => p.name));
  const [before, after] = [createClassificationMeter(), createClassificationMeter()];
  const hits = { both: 0, onlyBefore: 0, onlyAfter: 0, neither: 0 };
  let classes = 0;
  const scores = (t: Tensor) => {
    classes = elementCount(t.dims);
    return float32Values(t);
  };
  return {
    add(x, y, sample) {
      const label = classOf(sample.label);
      if (label === undefined) return;
      const was = before.add(scores(x[port.name]!), label) === label;
      const is = after.add(scores(y[port.name]!), label) === label;
      hits[was ? (is ? 'both' : 'onlyBefore') : is ? 'onlyAfter' : 'neither']++;
    },
    result: (runtime) => ({
      ...classificationMetrics(before, after, classes, runtime, pairedInterval(hits)),
      confusionMatrix: confusionOf(before.result(), after.result(), (index) => className(source, index)),
    }),
  };
}

/** null for what doesn't write on in running text. */
function runningTextMeter(inputs: readonly Port[], task: Task): RunningTextMeter | null {
  const [logits] = outputsAs(task, 'logits');
  if (logits === undefined) return null;
  if (task.name === 'encoder-decoder') return writtenTextMeter(inputs, logits);
  const ports = encoderPorts(inputs);
  if (task.name !== 'language-model' || !ports) return null;
  return createRunningTextMeter({ tokens: ports.tokens.name, mask: ports.mask?.name ?? null, logits });
}

/** Of what a decoder was to write, given its source. */
function writtenTextMeter(inputs: readonly Port[], logits: string): RunningTextMeter | null {
  const named = (name: string) => inputs.find((p) => p.name === name)?.name ?? null;
  const tokens = named('decoder_input_ids');
  return tokens === null
    ? null
    : createRunningTextMeter({ tokens, mask: named('decoder_attention_mask'), logits });
}

function perplexityOf(
  meter: RunningTextMeter,
  samples: number,
  runtime: string,
): NonNullable<Report['evaluation']> | null {
  const found = meter.result();
  if (!found) return null;
  const { tokens, before, after } = found;
  const perplexity = { name: 'perplexity', unit: 'number', higherIsBetter: false, interval: null } as const;
  return { task: 'language', samples, tokens, runtime, metrics: [{ ...perplexity, before, after }] };
}

/** @param changeInterval  of the change of top-1 accuracy, where both ran on the same samples */
export function classificationMetrics(
  before: ClassificationMeter | null,
  after: ClassificationMeter,
  classes: number,
  runtime: string,
  changeInterval: readonly [number, number] | null = null,
): NonNullable<Report['evaluation']> {
  const [a, b] = [before?.result() ?? null, after.result()];
  const top = b.accuracy
    .filter(({ k }) => k === 1 || classes > 2 * k)
    .map(({ k, value, interval }) => ({
      name: k === 1 ? 'top-1 accuracy' : `top-${k} accuracy`,
      before: a?.accuracy.find((x) => x.k === k)?.value ?? null,
      after: value,
      unit: 'fraction' as const,
      higherIsBetter: true,
      interval: interval ? ([...interval] as [number, number]) : null,
      ...(k === 1 && changeInterval ? { changeInterval: [...changeInterval] as [number, number] } : {}),
    }));
  const macro = (['precision', 'recall', 'f1'] as const).map((name) => ({
    name: `${name === 'f1' ? 'F1' : name} (macro)`,
    before: a?.macro[name] ?? null,
    after: b.macro[name],
    unit: 'fraction' as const,
    higherIsBetter: true,
    interval: null,
  }));
  // With a few samples a class, a mean over classes says more about the draw than about the model.
  const enough = b.samples >= 5 * b.perClass.length;
  return {
    task: 'classification',
    samples: b.samples,
    classes,
    runtime,
    metrics: enough ? [...top, ...macro] : top,
  };
}
