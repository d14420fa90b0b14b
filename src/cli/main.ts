#!/usr/bin/env node
/** `compress` and `edgepress`: arguments in, exit code out. Commands are imported when they are called, so that
 *  `--help` answers at once. */
import { Command, CommanderError, Option } from 'commander';
import { version } from '../support/version.ts';

const targets = ['wasm', 'webgpu', 'node', 'mobile'];

const examples = `
Examples:
  compress model.onnx --int8                              no data: int8 found at run time, weights in int8
  compress model.onnx --int8 --data photos/               calibrated, compared with the original
  compress model.onnx --int8 --data val/ --labels val.csv accuracy before and after`;

/** Options that several commands share, each described once. */
const shared = {
  data: new Option('--data <path>', 'images (folder), .npy or .npz; "synthetic" for seeded noise').helpGroup(
    'Data:',
  ),
  labels: new Option('--labels <file>', 'CSV, JSON or .npy; class folders need none').helpGroup('Data:'),
  preprocess: new Option(
    '--preprocess <how>',
    'imagenet, tf, caffe, 0-1, 0-255, none or a preprocessor_config.json (default: guessed)',
  ).helpGroup('Data:'),
  skipBad: new Option('--skip-bad', 'leave out pictures that cannot be decoded, and say how many').helpGroup(
    'Data:',
  ),
  seed: new Option('--seed <n>', 'seed of every draw').default(0).argParser(wholeNumber).helpGroup('Data:'),
  json: new Option('--json', 'one JSON document on stdout, all else on stderr').helpGroup('Output:'),
  engine: new Option('--engine <name>', 'runtime to run on')
    .choices(['wasm', 'node'])
    .default('wasm')
    .helpGroup('Target:'),
  target: new Option('--target <name>', 'where it will run')
    .choices(targets)
    .default('wasm')
    .helpGroup('Target:'),
  int8: new Option('--int8 [mode]', 'auto (static with --data, else dynamic), static, dynamic or weights')
    .choices(['auto', 'static', 'dynamic', 'weights'])
    .preset('auto')
    .helpGroup('Precision:'),
};

function wholeNumber(text: string): number {
  const n = Number(text);
  if (Number.isInteger(n) && n >= 0) return n;
  throw new CommanderError(2, 'commander.invalidArgument', `error: "${text}" is not a whole number`);
}

const count = (text: string) => (text === 'all' ? Number.MAX_SAFE_INTEGER : wholeNumber(text));

function build(): Command {
  const program = new Command('compress')
    .description('Makes a trained network small and fast for web pages and phones, and says what it cost.')
    .version(version)
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .showHelpAfterError('(compress --help shows the options)')
    .exitOverride()
    .addHelpText('before', `${examples.trimStart()}\n`)
    .argument('[model]', 'an ONNX model')
    .addOption(shared.int8)
    .addOption(
      new Option('--include <pattern...>', 'only these: op type, name, glob or /regex/').helpGroup(
        'Precision:',
      ),
    )
    .addOption(new Option('--exclude <pattern...>', 'leave these in float').helpGroup('Precision:'))
    .addOption(
      new Option('--per-tensor', 'one scale a weight instead of one a channel').helpGroup('Precision:'),
    )
    .addOption(new Option('--symmetric', 'activations with zero in the middle').helpGroup('Precision:'))
    .addOption(
      new Option('--ranges <how>', 'how activation ranges are chosen')
        .choices(['mse', 'minmax'])
        .default('mse')
        .helpGroup('Precision:'),
    )
    .addOption(new Option('--everywhere', 'int8 kernels also where float is faster').helpGroup('Precision:'))
    .addOption(
      new Option('--recipe <file>', 'run a recipe instead (see: compress recipe --int8)').helpGroup(
        'Precision:',
      ),
    )
    .addOption(shared.data)
    .addOption(shared.labels)
    .addOption(shared.preprocess)
    .addOption(shared.skipBad)
    .addOption(shared.seed)
    .addOption(
      new Option('--calibrate <n>', 'samples to find ranges on')
        .default(100)
        .argParser(wholeNumber)
        .helpGroup('Data:'),
    )
    .addOption(
      new Option('--evaluate <n>', 'other samples to compare on, or "all"')
        .default(200)
        .argParser(count)
        .helpGroup('Data:'),
    )
    .addOption(shared.target)
    .addOption(
      new Option('-o, --output <file>', 'default: <model>.int8.onnx beside the model').helpGroup('Output:'),
    )
    .addOption(new Option('--force', 'replace files that edgepress did not make').helpGroup('Output:'))
    .addOption(new Option('--no-compare', 'skip the comparison').helpGroup('Output:'))
    .addOption(new Option('--no-measure', 'skip latency and memory').helpGroup('Output:'))
    .addOption(new Option('--no-cache', 'calibrate anew').helpGroup('Output:'))
    .addOption(new Option('-q, --quiet', 'print only the paths written').helpGroup('Output:'))
    .addOption(shared.json)
    .action(async (model: string | undefined, o) => {
      if (model === undefined) return program.outputHelp();
      await (await import('./compress.ts')).run(model, o);
    });

  program
    .command('inspect <model>')
    .description('what is in a model: inputs, ops, bytes, cost, problems')
    .addOption(new Option('--nodes', 'list every node with its name'))
    .addOption(new Option('--text', 'print it in ONNX textual syntax'))
    .addOption(shared.json)
    .action(async (model, o) => (await import('./inspect.ts')).run(model, o));

  program
    .command('compare <before> <after>')
    .description('how far the outputs of two models are apart')
    .addOption(new Option(shared.data.flags, shared.data.description).makeOptionMandatory())
    .addOption(shared.labels)
    .addOption(shared.preprocess)
    .addOption(shared.skipBad)
    .addOption(shared.seed)
    .addOption(new Option('--samples <n>', 'at most this many').argParser(count))
    .addOption(shared.engine)
    .addOption(shared.json)
    .action(async (before, after, o) => (await import('./compare.ts')).run(before, after, o));

  program
    .command('evaluate <model>')
    .description('task accuracy of a model on labelled data')
    .addOption(new Option(shared.data.flags, shared.data.description).makeOptionMandatory())
    .addOption(shared.labels)
    .addOption(shared.preprocess)
    .addOption(shared.skipBad)
    .addOption(shared.seed)
    .addOption(new Option('--samples <n>', 'at most this many').argParser(count))
    .addOption(shared.engine)
    .addOption(shared.json)
    .action(async (model, o) => (await import('./evaluate.ts')).run(model, o));

  program
    .command('passes [name]')
    .description('all passes, or the options of one')
    .addOption(shared.json)
    .action(async (name, o) => (await import('./passes.ts')).run(name, o));

  program
    .command('recipe')
    .description('print the recipe that an option stands for, to edit and pass to --recipe')
    .addOption(shared.int8)
    .addOption(new Option('--data', 'as with data: static int8'))
    .addOption(shared.target)
    .action(async (o) => (await import('./recipe.ts')).run(o));

  for (const command of program.commands) command.exitOverride();
  return program;
}

async function main(): Promise<void> {
  try {
    await build().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.code === 'commander.invalidArgument' && error.message.startsWith('error: "'))
        console.error(error.message);
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    process.exitCode = (await import('./failure.ts')).reportFailure(error);
  }
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});
await main();
