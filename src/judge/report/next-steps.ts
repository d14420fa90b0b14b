/** Which command to try next, and why: only commands that exist, filled in for this model. */

import { formatOfName } from '../../model/formats/index.ts';
import { quoted } from '../../support/shell.ts';
import { levelOf } from '../task/measure.ts';
import type { ReportParts } from './build-report.ts';
import { measuresOf } from './measure-words.ts';
import { pointsLostOf } from './metrics.ts';
import type { Report } from './report.ts';
import { isLoss, isSlower, mainMetric, sameAnswers } from './verdict.ts';

type Next = Report['next'];
type Known = Pick<ReportParts, 'options' | 'staged' | 'data' | 'pair' | 'measured' | 'layers' | 'training'> &
  Partial<Pick<ReportParts, 'probe' | 'task'>> & {
    readonly result: Pick<ReportParts['result'], 'file'>;
  };

export function nextSteps(parts: Known, mode: Report['precision']['mode']): Next {
  const { input, data } = parts.options;
  const next: Next = [];
  // The other suggestions say nothing of steps: they would start from the model as it was.
  if (parts.staged) return longerTraining(parts);
  const model = quoted(input);
  const some = someData(parts);
  const { command } = parts.options;
  const dataFlags = data
    ? ['--data', data.path, ...(data.test ? ['--test-data', data.test.path] : [])].map(quoted).join(' ') +
      optionsOf(command, 'labels|test-labels|preprocess|tokenizer|window|sample-rate|dtype')
    : '';
  const { id } = formatOfName(parts.result.file);
  const forTfjs = id === 'tfjs';
  const written =
    (id === 'onnx' ? '' : ` --format ${id}`) + optionsOf(command, 'sizes|fix|outputs|layout|io');
  if (mode === 'none') return withoutPrecision(model, dataFlags, written, some);
  const flag =
    mode === 'float16'
      ? '--fp16'
      : mode === 'q4'
        ? parts.options.recipe.name === 'q4f16'
          ? '--q4 --fp16'
          : '--q4'
        : '--int8';
  const safer = lostMuch(parts) ? saferMode(mode) : null;
  if (safer)
    next.push({
      command: `compress ${model} ${safer.flag}${dataFlags && ` ${dataFlags}`}${written}`,
      why: safer.why,
    });
  if ((!data || data.path === 'synthetic') && flag !== '--int8') {
    next.push({
      command: `compress ${model} ${flag} --data ${some}${written}`,
      why:
        mode === 'q4'
          ? 'compares with the original'
          : 'compares with the original, and keeps in float32 what sees large values',
    });
  } else if ((!data || data.path === 'synthetic') && forTfjs) {
    // Ranges of activations would help nothing there.
    next.push({
      command: `compress ${model} --int8 --data ${some}${written}`,
      why: 'compares with the original on data held back',
    });
  } else if (!data || data.path === 'synthetic') {
    const gain =
      mode === 'weight-only'
        ? 'int8 computation where it is faster'
        : 'ranges fixed beforehand, faster than finding them';
    next.push({
      command: `compress ${model} --int8 --data ${some}${written}`,
      why: `calibrates: ${gain}; compares with the original on data held back`,
    });
  } else if (!hasLabels(parts) && scoresClasses(parts) && !/ --labels[ =]none\b/.test(command)) {
    next.push({
      command: `compress ${model} ${flag} ${dataFlags} ${data.test ? '--test-labels' : '--labels'} <labels.csv>${written}`,
      why: 'accuracy before and after',
    });
  }
  const [before, after] = parts.measured?.latency ?? [];
  if (before && after && isSlower({ before, after }) && mode !== 'float16' && !safer)
    next.push({
      command: `compress ${model} --int8 weights${data ? ` ${dataFlags}` : ''}${written}`,
      why: mode === 'q4' ? 'larger, at the speed of float' : 'the same size at the speed of float',
    });
  const worst = [...parts.layers].filter((l) => l.sqnrDb !== null).sort((a, b) => a.sqnrDb! - b.sqnrDb!)[0];
  if (worst && data && worst.precision === 'int8' && lostMuch(parts)) {
    if (parts.training.length === 0 && data.path !== 'synthetic')
      next.push({
        command: `compress ${model} --int8 --qat ${dataFlags}${written}`,
        why: 'trains the int8 model towards the original; takes minutes',
      });
    next.push({
      command: `compress ${model} --int8 ${dataFlags} --exclude ${quoted(worst.name)}${written}`,
      why: 'keeps the layer in float behind which the error is largest: its own, or that of layers before it',
    });
  }
  return next;
}

/** What stands for data in a command. */
const someData = ({ probe }: Known) => (probe?.readsText ? '<text file>' : '<folder or .npz>');

/** What keeps more of a model, where a precision lost much; null where data helps more. */
function saferMode(mode: Report['precision']['mode']): { flag: string; why: string } | null {
  if (mode === 'dynamic')
    return {
      flag: '--int8 weights',
      why: 'the same size, computed in floats: activations in int8 lose most',
    };
  if (mode === 'q4') return { flag: '--int8 weights', why: 'larger, and nearer to the original' };
  return mode === 'weight-only' ? { flag: '--fp16', why: 'larger, and nearer to the original' } : null;
}

/** Nothing was asked for, or nothing was found that could take it: what the precisions are. */
const withoutPrecision = (model: string, dataFlags: string, written: string, some: string): Next => [
  {
    command: `compress ${model} --int8${dataFlags && ` ${dataFlags}`}${written}`,
    why: dataFlags
      ? 'computes in int8 where that is faster, and compares with the original'
      : `weights in int8; with --data ${some} computation too, where that is faster`,
  },
  {
    command: `compress ${model} --fp16${dataFlags && ` ${dataFlags}`}${written}`,
    why: written.includes('--format') ? 'half the size' : 'half the size, for WebGPU',
  },
];

/** The same command with training, or with three times the epochs, where pruning or distillation lost much. */
function longerTraining(parts: Known): Next {
  const trained = parts.staged?.training.at(-1);
  const isUnseen = parts.options.data === undefined || parts.options.data.path === 'synthetic';
  if (!lostMuch(parts) && !(isUnseen && parts.pair === null)) return [];
  if (!trained) {
    if (isUnseen)
      return [
        {
          command: `${parts.options.command} --data ${someData(parts)}`,
          why: 'goes by what your samples need, fits what is left to them, and compares on others; or remove less',
        },
      ];
    return [
      {
        command: `${parts.options.command} --distill`,
        why: 'trains what is left towards the original, no labels needed; takes minutes',
      },
    ];
  }
  const epochs = `--epochs ${3 * trained.settings.epochs}`;
  const { command } = parts.options;
  const given = /--epochs[ =]\d+/;
  return [
    {
      command: given.test(command) ? command.replace(given, epochs) : `${command} ${epochs}`,
      why: `trains longer than ${trained.epochs.length === 1 ? 'one epoch' : `the ${trained.epochs.length} epochs`} on ${trained.samples} samples`,
    },
  ];
}

/** Labels of any kind, in the data itself or beside it: asking for them again would change nothing. */
const hasLabels = ({ data }: Known) =>
  data !== null &&
  (data.held.source.labelled ||
    data.held.source.targeted === true ||
    data.held.source.annotated !== undefined);

/** Labels are of no use where no output scores classes. */
const scoresClasses = ({ pair, task }: Known) =>
  (task === undefined || task.name === 'classification') && (pair === null || sameAnswers(pair) !== null);

function lostMuch({ pair }: Known): boolean {
  if (pair === null) return false;
  const metric = mainMetric(pair);
  if (metric) return metric.unit === 'fraction' ? (pointsLostOf(metric) ?? 0) > 0.5 : isLoss(metric);
  return measuresOf(pair).some((measure) => levelOf(measure) !== 'plain');
}

/** Options of these names as they stand in a command, each with a space before it: what says which model it is and what it is
 *  compared on holds for the next command too. */
const optionsOf = (command: string, names: string): string =>
  [...command.matchAll(new RegExp(` --(?:${names})[ =](?:'[^']*'|[^ ']+)+`, 'g'))]
    .map(([text]) => text)
    .join('');
