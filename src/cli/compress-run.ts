/** compress <model> */
import { readFileSync } from 'node:fs';
import { passes, preset } from '../compress/compress.ts';
import type { Pass } from '../compress/pipeline/pass.ts';
import { parseRecipe, type Recipe, resolveRecipe } from '../compress/pipeline/recipe.ts';
import type { CompressRequest } from '../compress/request.ts';
import { defaultCacheFolder, openCalibrationCache } from '../compute/calibrate/calibration-cache.ts';
import { trainingSettingsIn } from '../compute/train/settings.ts';
import { compressFile } from '../jobs/compress-file.ts';
import { optionWithoutEffect } from '../support/diagnostics/command-line.ts';
import { recipeInvalid } from '../support/diagnostics/passes.ts';
import { modeNeedsData } from '../support/diagnostics/quantization.ts';
import { trainingNeedsData } from '../support/diagnostics/training.ts';
import { readProblem } from '../support/read-problem.ts';
import { dataOf } from './data-flags.ts';
import { interruptSignal } from './interrupt.ts';
import { outputPath } from './output-path.ts';
import { printReport } from './print-report.ts';
import { createProgress } from './progress.ts';
import { checkpointsOf, stepsOf } from './training-flags.ts';

type Flags = CompressRequest & { readonly quiet: boolean; readonly json: boolean };

export async function run(model: string, flags: Flags): Promise<void> {
  refuseIdle(flags);
  const recipe = recipeFor(flags);
  const output = outputPath(model, endingOf(recipe, flags), flags.output);
  const steps = stepsOf(flags, output);
  const { signal, dispose } = interruptSignal();
  const progress = createProgress({ quiet: flags.quiet });
  try {
    const report = await compressFile({
      input: model,
      output,
      recipe,
      force: flags.force,
      ...dataOf(flags),
      compare: flags.compare,
      measure: flags.measure,
      cache: flags.cache ? openCalibrationCache(defaultCacheFolder()) : null,
      command: `compress ${process.argv.slice(2).join(' ')}`,
      events: progress,
      signal,
      steps,
      qat: flags.qat
        ? { settings: trainingSettingsIn(flags), checkpoints: checkpointsOf(flags, output) }
        : null,
      ...(flags.maxDrop === undefined ? {} : { maxDrop: flags.maxDrop }),
    });
    printReport(report, flags);
  } finally {
    progress.stop();
    dispose();
  }
}

/** What the result's name says of how it came about: ".pruned.trained.int8". */
function endingOf(recipe: Recipe, flags: Flags): string {
  const prunes = flags.prune ?? flags.macs ?? flags.latency ?? flags.sparsity ?? flags.nm ?? flags.lowRank;
  const before = `${prunes === undefined ? '' : '.pruned'}${flags.distill || flags.finetune ? '.trained' : ''}`;
  const plain = before !== '' && recipe.name === 'clean';
  return `${before}${plain ? '' : suffix(recipe)}`;
}

const suffix = (recipe: Recipe) =>
  recipe.name.startsWith('int8')
    ? '.int8'
    : recipe.name === 'float16'
      ? '.fp16'
      : `.${recipe.name.replace(/[^\w-]+/g, '-')}`;

/** An option that would change nothing is a misunderstanding, and is said before any work.
 *  @throws OPTION_WITHOUT_EFFECT, TRAINING_NEEDS_DATA */
function refuseIdle(flags: Flags): void {
  const idle = (option: string, needs: string) => {
    throw optionWithoutEffect(option, needs);
  };
  if (!flags.data) {
    if (flags.labels !== undefined) idle('--labels', '--data');
    if (flags.preprocess !== undefined) idle('--preprocess', '--data');
    if (flags.skipBad) idle('--skip-bad', '--data');
    if (flags.testData !== undefined) idle('--test-data', '--data');
    if (flags.maxDrop !== undefined) idle('--max-drop', '--data');
    if (flags.finetune || flags.distill) throw trainingNeedsData(flags.finetune ? 'finetune' : 'distil');
  }
  if (flags.maxDrop !== undefined && !(flags.compare && flags.evaluate !== 0))
    idle('--max-drop', 'samples to compare on (without --no-compare and --evaluate 0)');
  if (flags.recipe !== undefined) return;
  if (!flags.int8) {
    const chosen = flags.fp16 || flags.q4;
    if (flags.include && !chosen) idle('--include', '--int8, --fp16 or --q4');
    if (flags.exclude && !chosen) idle('--exclude', '--int8, --fp16 or --q4');
    if (flags.perTensor) idle('--per-tensor', '--int8');
  }
  const isAuto = flags.int8 === 'auto' || flags.int8 === true;
  const isStatic = flags.int8 === 'static' || (isAuto && flags.data !== undefined);
  if (isStatic) return;
  if (flags.qat) idle('--qat', '--int8 static, which finds ranges on --data');
  if (flags.weightBits !== undefined) idle('--weight-bits', '--int8 static, which finds ranges on --data');
  if (flags.symmetric) idle('--symmetric', '--int8 static, which finds ranges on --data');
  if (flags.everywhere) idle('--everywhere', '--int8 static, which finds ranges on --data');
  if (flags.ranges !== 'mse') idle('--ranges', '--int8 static, which finds ranges on --data');
}

function recipeFor(flags: Flags): Recipe {
  const base =
    typeof flags.recipe === 'string'
      ? readRecipe(flags.recipe)
      : presetFor(flags, flags.data !== undefined, flags.target);
  return typeof flags.recipe === 'string' ? base : withStorage(withFlags(base, flags), flags);
}

/** What changes how weights are stored stands last: nothing may unfold it again. */
function withStorage(recipe: Recipe, { cluster, sparsity, nm }: Flags): Recipe {
  const add = (name: string, pass: string, options = {}) => ({ name, passes: [{ pass, options }] });
  const sparse = sparsity !== undefined || nm !== undefined;
  return {
    ...recipe,
    ...(cluster === undefined ? {} : { name: 'clustered' }),
    stages: [
      ...recipe.stages,
      ...(cluster === undefined ? [] : [add('cluster', 'cluster-weights', { k: cluster })]),
      ...(sparse && cluster === undefined ? [add('pack', 'pack-sparse-weights')] : []),
    ],
  };
}

/** The preset behind `--int8 [mode]`, `--fp16` and `--q4`; without a precision only the exact passes run. */
export function presetFor(
  { int8: mode, fp16, q4 }: Pick<CompressRequest, 'int8' | 'fp16' | 'q4'>,
  hasData: boolean,
  target: Recipe['target'],
): Recipe {
  if (fp16 || q4) return { ...preset(q4 ? (fp16 ? 'q4f16' : 'q4') : 'float16'), target };
  if (!mode) return { ...preset('clean'), target };
  if (mode === 'static' && !hasData) throw modeNeedsData(mode);
  const chosen = mode === 'auto' || mode === true ? (hasData ? 'static' : 'dynamic') : mode;
  return { ...preset(`int8-${chosen}`), target };
}

/** Writes flags into the options of the passes they are about. */
function withFlags(recipe: Recipe, flags: Flags): Recipe {
  const select = {
    ...(flags.include ? { include: flags.include } : {}),
    ...(flags.exclude ? { exclude: flags.exclude } : {}),
    ...(flags.perTensor ? { perChannel: false } : {}),
  };
  const own = {
    ranges: flags.ranges,
    ...(flags.symmetric ? { symmetric: true } : {}),
    ...(flags.weightBits === 4 ? { weightBits: 4 } : {}),
  };
  return {
    ...recipe,
    calibration: { ...recipe.calibration, samples: flags.calibrate, seed: flags.seed },
    stages: recipe.stages.map((stage) => ({
      ...stage,
      passes: stage.passes.map(({ pass, options }) => ({
        pass,
        options: {
          ...options,
          ...(pass.startsWith('quantize-') || pass === 'convert-float16' ? select : {}),
          ...(pass === 'convert-float16' && flags.data && flags.data !== 'synthetic' ? { ranges: true } : {}),
          ...(pass === 'quantize-static' ? own : {}),
          // The first version that has int4.
          ...(pass === 'upgrade-opset' && flags.weightBits === 4 ? { target: 21 } : {}),
          ...(flags.everywhere && pass !== 'quantize-weights' && pass.startsWith('quantize-')
            ? { everywhere: true }
            : {}),
        },
      })),
    })),
  };
}

function readRecipe(path: string): Recipe {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw readProblem(path, cause);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw recipeInvalid(path, `it is not JSON (${cause instanceof Error ? cause.message : cause})`);
  }
  const recipe = parseRecipe(json, path);
  resolveRecipe(recipe, passes as ReadonlyMap<string, Pass>, path);
  return recipe;
}
