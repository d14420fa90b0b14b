#!/usr/bin/env node
/** `compress` and `edgepress`: arguments in, exit code out. Commands are imported when they are called, so that
 *  `--help` answers at once. */
import { Command, CommanderError, Option } from 'commander';
import { version } from '../support/version.ts';
import {
  collect,
  decibels,
  dimension,
  listed,
  percentage,
  portNumber,
  positive,
  positiveOrAll,
  targetList,
  wholeNumber,
} from './arguments.ts';
import { dataNeeded, int8Modes, shared } from './shared-options.ts';
import { withMetrics, withSampling } from './text-options.ts';
import { addTrainingCommands, withSteps } from './training-options.ts';

const examples = `Examples:
  compress model.onnx --int8                  no data: weights in int8
  compress model.onnx --int8 --data photos/   calibrated, and compared
  compress model.onnx --int8 --data val/ --labels val.csv
                                              accuracy before and after, too`;

function build(): Command {
  const program = new Command('compress')
    .description('Makes a trained network small and fast for web pages and phones, and says what it cost.')
    .usage('<model> [options]   or   compress <command> …')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ outputError() {} })
    .configureHelp({
      optionDescription,
      subcommandTerm,
      helpWidth: Math.min(process.stdout.columns || 80, 100),
    })
    .addHelpText('before', `${examples}\n`)
    .argument('[model]')
    .addOption(shared.int8)
    .addOption(shared.fp16)
    .addOption(shared.q4)
    .addOption(
      new Option('--include <pattern>', 'only these op types or names, as text, glob or /regex/; repeatable')
        .argParser(collect)
        .helpGroup('Precision:'),
    )
    .addOption(
      new Option('--exclude <pattern>', 'leave these in float; repeatable')
        .argParser(collect)
        .helpGroup('Precision:'),
    )
    .addOption(new Option('--per-tensor', 'one scale a weight, not one a channel').helpGroup('Precision:'))
    .addOption(new Option('--symmetric', 'activation ranges with zero in the middle').helpGroup('Precision:'))
    .addOption(
      new Option('--ranges <how>', 'activation ranges: mse (least error) or minmax (all values)')
        .choices(['mse', 'minmax'])
        .default('mse')
        .helpGroup('Precision:'),
    )
    .addOption(
      new Option('--weight-bits <n>', '4: sixteen levels a channel, half the file, int8 kernels')
        .choices(['4', '8'])
        .helpGroup('Precision:'),
    )
    .addOption(new Option('--everywhere', 'int8 kernels also where float is faster').helpGroup('Precision:'))
    .addOption(
      new Option('--recipe <file>', 'run these passes; compress recipe --int8 prints some to start from')
        .conflicts([
          'int8',
          'fp16',
          'q4',
          'include',
          'exclude',
          'perTensor',
          'symmetric',
          'ranges',
          'everywhere',
          'weightBits',
        ])
        .conflicts(['target', 'seed', 'calibrate'])
        .helpGroup('Precision:'),
    );
  withSteps(program)
    .addOption(shared.data)
    .addOption(shared.labels)
    .addOption(shared.preprocess)
    .addOption(shared.skipBad)
    .addOption(shared.calibrate)
    .addOption(shared.evaluate)
    .addOption(shared.testData)
    .addOption(shared.testLabels)
    .addOption(shared.seed)
    .addOption(shared.target)
    .addOption(
      new Option(
        '-o, --output <path>',
        'file or folder (default: <model>.int8.onnx beside the model)',
      ).helpGroup('Output:'),
    )
    .addOption(new Option('--force', 'replace files that edgepress did not make').helpGroup('Output:'))
    .addOption(new Option('--no-compare', 'do not compare with the original').helpGroup('Output:'))
    .addOption(new Option('--no-measure', 'do not measure latency and memory').helpGroup('Output:'))
    .addOption(shared.noCache)
    .addOption(new Option('-q, --quiet', 'print only the paths written').helpGroup('Output:'))
    .addOption(shared.json)
    .optionsGroup('Other:')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand('help [command]', 'the options of a command')
    .action(async (model: string | undefined, o, command: Command) => {
      if (model !== undefined) return (await import('./compress.ts')).run(model, o);
      if (process.argv.length <= 2) return program.outputHelp();
      command.error("error: missing required argument 'model'", { code: 'commander.missingArgument' });
    });

  program
    .command('inspect <model>')
    .description('inputs, operators, bytes, cost and problems of a model')
    .addOption(new Option('--nodes', 'list every node with its name'))
    .addOption(new Option('--text', 'print it in ONNX textual syntax').conflicts(['nodes', 'json']))
    .addOption(shared.json)
    .action(async (model, o) => (await import('./inspect.ts')).run(model, o));

  withData(program.command('compare <before> <after>'))
    .description('how far the outputs of two models are apart')
    .action(async (before, after, o) => (await import('./compare.ts')).run(before, after, o));

  withMetrics(withData(program.command('evaluate <model>')))
    .description('accuracy, perplexity or BLEU of a model, or of two side by side')
    .action(async (model, o) => (await import('./evaluate.ts')).run(model, o));

  withSampling(program.command('generate <model>'))
    .description('text from a prompt, by a language model or an encoder and decoder')
    .addOption(shared.engine)
    .addOption(shared.json)
    .action(async (model, o) => (await import('./generate.ts')).run(model, o));

  program
    .command('bundle <model>')
    .description('everything an app needs to load the model: variants, manifest, types, demo')
    .addOption(
      new Option('--targets <list>', 'of wasm, webgpu, node and mobile, with commas between')
        .default(['wasm', 'webgpu'])
        .argParser(targetList)
        .helpGroup('Target:'),
    )
    .addOption(shared.data)
    .addOption(shared.labels)
    .addOption(shared.preprocess)
    .addOption(shared.skipBad)
    .addOption(shared.calibrate)
    .addOption(
      new Option(
        '--evaluate <n>',
        'other samples that each variant is compared on, or "all" (default: 100, or all of --test-data)',
      )
        .argParser(positiveOrAll)
        .helpGroup('Data:'),
    )
    .addOption(shared.testData)
    .addOption(shared.testLabels)
    .addOption(shared.seed)
    .addOption(
      new Option('--min-agreement <percent>', 'a variant whose top-1 agrees less is not published')
        .default(90)
        .argParser(percentage)
        .helpGroup('Budget:'),
    )
    .addOption(
      new Option('--min-sqnr <dB>', 'the same for outputs that are no scores, and without data')
        .default(10)
        .argParser(decibels)
        .helpGroup('Budget:'),
    )
    .addOption(new Option('-o, --output <folder>', 'default: <model>.bundle').helpGroup('Output:'))
    .addOption(new Option('--name <name>', 'of the model (default: its file name)').helpGroup('Output:'))
    .addOption(
      new Option('--label-names <file>', 'names of the classes: text, JSON or config.json').helpGroup(
        'Output:',
      ),
    )
    .addOption(new Option('--licence <text>', "the model's licence, such as MIT").helpGroup('Output:'))
    .addOption(
      new Option('--url <path>', 'where the site serves it (default: /<folder>/)').helpGroup('Output:'),
    )
    .addOption(
      new Option('--shard <MB>', 'cut larger files into pieces of this size; 0: never')
        .default(20)
        .argParser(wholeNumber)
        .helpGroup('Output:'),
    )
    .addOption(new Option('--precompress', 'put a .br beside every model file').helpGroup('Output:'))
    .addOption(new Option('--no-demo', 'leave the demo page out').helpGroup('Output:'))
    .addOption(
      new Option(
        '--transformers-js <type>',
        'config.json with this model_type, for transformers.js',
      ).helpGroup('Output:'),
    )
    .addOption(new Option('--force', 'replace a folder that edgepress did not make').helpGroup('Output:'))
    .addOption(shared.noCache)
    .addOption(shared.report)
    .addOption(new Option('-q, --quiet', 'print only the path of the manifest').helpGroup('Output:'))
    .addOption(shared.json)
    .action(async (model, o) => (await import('./bundle.ts')).run(model, o));

  program
    .command('ort <model>')
    .description("onnxruntime's own format, for phones and reduced builds, with the list of its operators")
    .addOption(new Option('-o, --output <file>', 'default: <model>.ort').helpGroup('Output:'))
    .addOption(new Option('--x86', 'mainly for x86 (default: ARM); it runs on both').helpGroup('Target:'))
    .addOption(new Option('--force', 'replace files that edgepress did not make').helpGroup('Output:'))
    .addOption(shared.json)
    .action(async (model, o) => (await import('./ort.ts')).run(model, o));

  program
    .command('profile <model>')
    .description('speed and memory of a bundle or a model on Node, browsers and emulated phones')
    .addOption(
      new Option('--device <names>', 'node, wasm, chromium, chrome, edge, firefox, chromium:phone …')
        .default(['node', 'wasm'], 'node,wasm')
        .argParser((text) => listed(text))
        .helpGroup('Target:'),
    )
    .addOption(
      new Option('--provider <names>', 'cpu, wasm, webgpu (default: what each variant is made for)')
        .argParser((text) => listed(text, ['cpu', 'wasm', 'webgpu']))
        .helpGroup('Target:'),
    )
    .addOption(
      new Option('--threads <list>', 'numbers of threads, as 1,4')
        .default([1], '1')
        .argParser((text) => listed(text).map(positive))
        .helpGroup('Target:'),
    )
    .addOption(
      new Option('--throughput <list>', 'also samples a second at these batch sizes, as 1,4,16')
        .argParser((text) => listed(text).map(positive))
        .helpGroup('Data:'),
    )
    .addOption(
      new Option('--dim <name=n>', 'size of an open dimension (default: 1); repeatable')
        .argParser(dimension)
        .helpGroup('Data:'),
    )
    .addOption(new Option('--compare', 'one table: variants down, devices across').helpGroup('Output:'))
    .addOption(shared.report)
    .addOption(shared.json)
    .action(async (target, o) => (await import('./profile.ts')).run(target, o));

  program
    .command('passes [name]')
    .description('all passes, or the options of one')
    .addOption(shared.json)
    .action(async (name, o) => (await import('./passes.ts')).run(name, o));

  program
    .command('recipe')
    .description('print the passes behind an option, to edit and give to --recipe')
    .addOption(shared.int8)
    .addOption(shared.fp16)
    .addOption(shared.q4)
    .addOption(new Option('--data [path]', 'as with data: static int8').helpGroup('Data:'))
    .addOption(shared.target)
    .action(async (o) => (await import('./recipe.ts')).run(o));

  addTrainingCommands(program);

  program
    .command('lab')
    .description('serve a bundle to phones and other browsers, which measure it and send what they found')
    .argument('<bundle>', 'folder that compress bundle made')
    .addOption(new Option('--lan', 'let devices on your network join (default: only this machine)'))
    .addOption(new Option('--https', 'self-signed certificate: on a network, WebGPU and threads need one'))
    .addOption(new Option('--port <n>', 'port (default: a free one)').argParser(portNumber))
    .addOption(
      new Option('--idle <minutes>', 'end after this long without news').default(10).argParser(positive),
    )
    .addOption(new Option('--once', 'end when the first device is done'))
    .addOption(shared.report)
    .addOption(shared.json)
    .action(async (bundle, o) => (await import('./lab.ts')).run(bundle, o));

  return program;
}

const withData = (command: Command) =>
  command
    .addOption(dataNeeded)
    .addOption(shared.labels)
    .addOption(shared.preprocess)
    .addOption(shared.skipBad)
    .addOption(shared.samples)
    .addOption(shared.seed)
    .addOption(shared.engine)
    .addOption(shared.json);

/** Choices stand in the descriptions already, where they are explained. */
const optionDescription = (option: Option) =>
  ['string', 'number'].includes(typeof option.defaultValue)
    ? `${option.description} (default: ${option.defaultValue})`
    : option.description;

const subcommandTerm = (command: Command) =>
  [
    command.name(),
    ...command.registeredArguments.map((a) => (a.required ? `<${a.name()}>` : `[${a.name()}]`)),
  ].join(' ');

/** `--int8 model.onnx`: what follows is no mode but the model. */
const separated = (argv: readonly string[]) =>
  argv.map((word, i) => {
    const next = argv[i + 1];
    return word === '--int8' && next !== undefined && !int8Modes.includes(next) && /[./\\]/.test(next)
      ? '--int8=auto'
      : word;
  });

async function main(): Promise<void> {
  const program = build();
  try {
    await program.parseAsync(separated(process.argv));
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return;
    const { reportFailure, usageFailure, withCommandHint } = await import('./failure.ts');
    const commands = program.commands.map((c) => c.name());
    process.exitCode = reportFailure(
      error instanceof CommanderError
        ? usageFailure(error, program.args, commands)
        : withCommandHint(error, program.args, commands),
    );
  }
}

// A reader that has seen enough (| head) is no failure.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
  });
await main();
