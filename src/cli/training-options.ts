/** Options of the commands that prune and train, for main.ts. */
import { type Command, Option } from 'commander';
import {
  augmentation,
  collect,
  nonNegative,
  pairOf,
  pattern,
  percentage,
  positive,
  probability,
  wholeNumber,
} from './arguments.ts';
import { dataNeeded, shared } from './shared-options.ts';

const training = (flags: string, description: string) =>
  new Option(flags, description).helpGroup('Training:');
const pruning = (flags: string, description: string) => new Option(flags, description).helpGroup('Pruning:');

/** What every training run needs, short enough for the main command.
 *  @param defaults  null: they depend on what is trained, and settingsOf and qatSettings have them */
const withBasics = (command: Command, defaults: { epochs: number; rate: number } | null) => {
  const said = (text: string, by: string) => (defaults ? text : `${text} (default: ${by})`);
  const withDefault = (option: Option, value: unknown) => (defaults ? option.default(value) : option);
  return command
    .addOption(
      withDefault(
        training('--epochs <n>', said('passes over the data', '10, with --qat 5 or more')).argParser(
          positive,
        ),
        defaults?.epochs,
      ),
    )
    .addOption(
      withDefault(
        training('--lr <rate>', said('learning rate', '1e-3, with --qat 5e-4')).argParser(nonNegative),
        defaults?.rate,
      ),
    )
    .addOption(
      withDefault(
        training('--batch <n>', said('samples in a batch', '64, with --qat 32')).argParser(positive),
        64,
      ),
    )
    .addOption(
      training('--augment <list>', 'of flip, crop=4, colour=0.2, mixup=0.2, with commas').argParser(
        augmentation,
      ),
    )
    .addOption(
      withDefault(
        training('--optimizer <name>', said('adamw, adam or sgd', 'adamw, with --qat adam')).choices([
          'adamw',
          'adam',
          'sgd',
        ]),
        'adamw',
      ),
    );
};

/** Everything that can be said about a training run. */
const withTraining = (command: Command, epochs: number, rate: number) =>
  withBasics(command, { epochs, rate })
    .addOption(training('--momentum <share>', 'of sgd').default(0.9).argParser(nonNegative))
    .addOption(training('--weight-decay <rate>', 'L2, weights only').default(1e-4).argParser(nonNegative))
    .addOption(training('--l1 <rate>', 'L1, weights only').default(0).argParser(nonNegative))
    .addOption(
      training('--schedule <name>', 'of the learning rate')
        .choices(['cosine', 'linear', 'step', 'constant'])
        .default('cosine'),
    )
    .addOption(
      training('--warmup <share>', 'of the run, with a rising rate').default(0.05).argParser(nonNegative),
    )
    .addOption(
      training('--clip-norm <norm>', 'largest norm of the gradient; 0: any')
        .default(0)
        .argParser(nonNegative),
    )
    .addOption(training('--accumulate <n>', 'batches to an update').default(1).argParser(positive))
    .addOption(
      training('--ema <decay>', 'average the weights over time, as 0.999').default(0).argParser(nonNegative),
    )
    .addOption(
      training('--patience <n>', 'epochs without gain before it stops; 0: all')
        .default(0)
        .argParser(wholeNumber),
    )
    .addOption(training('--smoothing <share>', 'label smoothing').default(0).argParser(nonNegative))
    .addOption(
      training('--freeze <pattern>', 'weights that stay, by name with *; repeatable').argParser(collect),
    )
    .addOption(
      training('--statistics <of>', 'BatchNormalization by the batch, or the running ones')
        .choices(['batch', 'running'])
        .default('batch'),
    )
    .addOption(
      training('--recompute <n>', 'less memory: keep the borders of n segments, compute the rest again')
        .default(0)
        .argParser(wholeNumber),
    )
    .addOption(training('--gpu', 'by WebGPU, where this machine has an adapter'))
    .addOption(
      training('--checkpoint <folder>', 'where a run that was cut off goes on (default: beside the output)'),
    )
    .addOption(training('--no-checkpoint', 'keep none'));

/** Of compress distill. */
const withStudent = (command: Command) =>
  command
    .addOption(
      training('--student <model>', 'a model with the same inputs and outputs').conflicts([
        'width',
        'layers',
      ]),
    )
    .addOption(
      training('--width <share>', 'a student of this share of every width, as 0.5').argParser(probability),
    )
    .addOption(training('--layers <n>', 'a student with n of the repeated blocks').argParser(positive))
    .addOption(training('--temperature <T>', 'softens both sets of scores').default(4).argParser(nonNegative))
    .addOption(labelWeight())
    .addOption(
      training('--hint <student=teacher>', 'values inside that should be alike; repeatable').argParser(
        pairOf,
      ),
    )
    .addOption(
      training('--attention <student=teacher>', 'the same for attention maps; repeatable').argParser(pairOf),
    );

/** Of the main command: pruning, training, and the order between them. */
export const withSteps = (command: Command) =>
  withBasics(
    command
      .addOption(
        pruning('--prune <percent>', 'remove this share of the parameters, as channels').argParser(
          percentage,
        ),
      )
      .addOption(
        pruning('--macs <share>', 'leave this share of the arithmetic, as 0.5').argParser(probability),
      )
      .addOption(
        pruning('--latency <share>', 'leave this share of the time, by measured layers').argParser(
          probability,
        ),
      )
      .addOption(
        pruning(
          '--importance <by>',
          'what a channel is judged by (default: reconstruction with data, l2 without)',
        ).choices(['reconstruction', 'l2', 'l1', 'batchnorm', 'taylor', 'activation']),
      )
      .addOption(pruning('--no-reconstruct', 'with data, do not fit what is left to the original'))
      .addOption(pruning('--rounds <n>', 'prune bit by bit, training between').default(1).argParser(positive))
      .addOption(
        pruning('--sparsity <percent>', 'set this share of the weights to zero: smaller, not faster')
          .conflicts('nm')
          .argParser(percentage),
      )
      .addOption(pruning('--nm <N:M>', 'N of every M weights stay, as 2:4').argParser(pattern))
      .addOption(
        pruning('--low-rank <share>', 'products as two thin ones, leaving this share of them').argParser(
          probability,
        ),
      )
      .addOption(
        pruning('--cluster <k>', 'k shared values a weight, as 16, instead of int8')
          .conflicts(['int8', 'fp16', 'q4', 'recipe'])
          .argParser(positive),
      )
      .addOption(training('--distill', 'train towards the original, after pruning'))
      .addOption(labelWeight())
      .addOption(training('--finetune', 'train on the labels').conflicts('distill'))
      .addOption(training('--qat', 'train the int8 model towards the float one, after calibration')),
    null,
  ).addOption(maxDrop());

const labelWeight = () =>
  training('--label-weight <share>', 'of the labels in the loss, where there are some')
    .default(0.1)
    .argParser(nonNegative);

const maxDrop = () =>
  new Option(
    '--max-drop <points>',
    'refuse a result that loses more accuracy, in percentage points; with --rounds, stop pruning there',
  )
    .argParser(nonNegative)
    .helpGroup('Budget:');

/** compress distill and compress finetune. */
export function addTrainingCommands(program: Command): void {
  const common = (command: Command) =>
    command
      .addOption(dataNeeded)
      .addOption(shared.labels)
      .addOption(shared.preprocess)
      .addOption(shared.skipBad)
      .addOption(shared.evaluate)
      .addOption(shared.testData)
      .addOption(shared.testLabels)
      .addOption(shared.seed)
      .addOption(new Option('--int8', 'quantise the result').helpGroup('Precision:'))
      .addOption(maxDrop())
      .addOption(shared.target)
      .addOption(
        new Option('-o, --output <path>', 'file or folder (default: beside the model)').helpGroup('Output:'),
      )
      .addOption(new Option('--force', 'replace files that edgepress did not make').helpGroup('Output:'))
      .addOption(new Option('--no-measure', 'do not measure latency and memory').helpGroup('Output:'))
      .addOption(new Option('-q, --quiet', 'print only the paths written').helpGroup('Output:'))
      .addOption(shared.json);
  common(withTraining(withStudent(program.command('distill <teacher>')), 20, 1e-3))
    .description('a smaller model that learns to answer as a given one; labels are optional')
    .action(async (model, o) => (await import('./train.ts')).distill(model, o));
  common(withTraining(program.command('finetune <model>'), 5, 1e-4))
    .description('train a model on labelled data')
    .action(async (model, o) => (await import('./train.ts')).finetune(model, o));
}
