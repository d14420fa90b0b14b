/** Commands and options of the program: arguments in, exit code out. Commands are imported when they are called, so that `--help`
 *  answers at once. */
import { Command, CommanderError } from 'commander';
import { version } from '../support/version.ts';
import type { CommandDefinition } from './command.ts';

const examples = `Examples:
  compress model.onnx --int8                  no data: weights in int8
  compress model.onnx --int8 --data photos/   calibrated, and compared
  compress model.onnx --int8 --data val/ --labels val.csv
                                              accuracy before and after, too
  compress https://example.org/net/ --int8    a model on the web`;

interface Row {
  /** Name and arguments. */
  readonly usage: string;
  /** Starts with a capital, as all that the help says in a sentence; no full stop. */
  readonly description: string;
  readonly example: string;
  readonly load: () => Promise<CommandDefinition>;
}

/** In the order of the help. */
const rows: readonly Row[] = [
  {
    usage: 'inspect <model>',
    description: 'Inputs, operators, bytes, cost and problems of a model',
    example: 'compress inspect model.onnx',
    load: async () => (await import('./inspect.ts')).command,
  },
  {
    usage: 'compare <before> <after>',
    description: 'How far the outputs of two models are apart',
    example: 'compress compare model.onnx model.int8.onnx --data photos/',
    load: async () => (await import('./compare.ts')).command,
  },
  {
    usage: 'check <model>',
    description: 'Whether a model keeps budgets of size, quality and speed, for continuous integration',
    example: 'compress check model.int8.onnx --against model.onnx --data val/ --max-drop 1',
    load: async () => (await import('./check.ts')).command,
  },
  {
    usage: 'data <path>',
    description: 'What data is understood as for a model, three samples of it, and arrays made of it',
    example: 'compress data recordings/ --model keywords.onnx -o samples.npz',
    load: async () => (await import('./data.ts')).command,
  },
  {
    usage: 'evaluate <model>',
    description: 'Accuracy, perplexity or BLEU of a model, or of two side by side',
    example: 'compress evaluate model.onnx --data val/ --labels val.csv',
    load: async () => (await import('./evaluate.ts')).command,
  },
  {
    usage: 'generate <model>',
    description: 'Text from a prompt, by a language model or an encoder and decoder',
    example: "compress generate gpt2/model.onnx --prompt 'Once upon a time'",
    load: async () => (await import('./generate.ts')).command,
  },
  {
    usage: 'bundle <model>',
    description: 'Everything an app needs to load the model: variants, manifest, types, demo',
    example: 'compress bundle model.onnx --data photos/ -o public/model/',
    load: async () => (await import('./bundle.ts')).command,
  },
  {
    usage: 'convert <model> <output>',
    description: 'Another format, the same results: ONNX, textual ONNX, TensorFlow.js, LiteRT',
    example: 'compress convert model.onnx web/',
    load: async () => (await import('./convert.ts')).command,
  },
  {
    usage: 'ort <model>',
    description:
      "A model in onnxruntime's own format, for phones and reduced builds, with the list of its operators",
    example: 'compress ort model.int8.onnx',
    load: async () => (await import('./ort.ts')).command,
  },
  {
    usage: 'profile <model>',
    description: 'Speed and memory of a bundle or a model on Node, browsers and emulated phones',
    example: 'compress profile public/model/ --device node,chromium',
    load: async () => (await import('./profile.ts')).command,
  },
  {
    usage: 'sweep <file>',
    description: 'Many results of many models, each made once, and which of them nothing beats',
    example: 'compress sweep sweep.json -o out/',
    load: async () => (await import('./sweep.ts')).command,
  },
  {
    usage: 'worker',
    description: 'Does jobs of sweeps on this machine, for whoever puts them into a queue',
    example: 'compress worker --queue redis://localhost:6379 --class wasm',
    load: async () => (await import('./worker.ts')).command,
  },
  {
    usage: 'passes [name]',
    description: 'All passes, or the options of one',
    example: 'compress passes quantize-static',
    load: async () => (await import('./passes.ts')).command,
  },
  {
    usage: 'recipe',
    description: 'The passes behind an option, to edit and give to --recipe',
    example: 'compress recipe --int8 > recipe.json',
    load: async () => (await import('./recipe.ts')).command,
  },
  {
    usage: 'distill <teacher>',
    description: 'A smaller model that learns to answer as a given one; labels are optional',
    example: 'compress distill teacher.onnx --width 0.5 --data photos/',
    load: async () => (await import('./distill.ts')).command,
  },
  {
    usage: 'finetune <model>',
    description: 'Trains a model on labelled data',
    example: 'compress finetune model.onnx --data photos/ --labels labels.csv',
    load: async () => (await import('./finetune.ts')).command,
  },
  {
    usage: 'lab <bundle>',
    description: 'Serves a bundle to phones and other browsers, which measure it and send what they found',
    example: 'compress lab public/model/',
    load: async () => (await import('./lab.ts')).command,
  },
];

const nameOf = ({ usage }: Row) => usage.split(' ')[0] as string;

/** @param argv  the options of those commands are read that it names */
async function build(argv: readonly string[]): Promise<Command> {
  const words = argv.slice(2);
  const program = new Command('compress')
    .description('Makes a trained network small and fast for web pages and phones, and says what it cost')
    .usage('<model> [options]   or   compress <command> …')
    .enablePositionalOptions()
    .showSuggestionAfterError(false)
    .exitOverride()
    .configureOutput({ outputError() {} })
    .configureHelp({
      optionDescription: ({ description }) => description,
      subcommandTerm,
      helpWidth: Math.min(process.stdout.columns || 80, 100),
    })
    .addHelpText('before', `${examples}\n`)
    .argument('[model]');
  if (!rows.some((row) => nameOf(row) === words[0])) await addMain(program, argv);
  program
    .optionsGroup('Other:')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand('help [command]', 'the options of a command');
  for (const row of rows) {
    const command = program
      .command(row.usage)
      .description(row.description)
      .addHelpText('before', `Example:\n  ${row.example}\n`);
    if (words.includes(nameOf(row))) connect(command, await row.load());
  }
  return program;
}

/** What is done without a command: a model is compressed. */
async function addMain(program: Command, argv: readonly string[]): Promise<void> {
  const { command } = await import('./compress.ts');
  command.addTo(program);
  program.action(async (model: string | undefined) => {
    if (model !== undefined) return command.run([model], program);
    if (argv.length <= 2) return program.outputHelp();
    program.error("error: missing required argument 'model'", { code: 'commander.missingArgument' });
  });
}

function connect(command: Command, definition: CommandDefinition): void {
  definition.addTo(command);
  command.action(() => definition.run(command.args, command));
}

const subcommandTerm = (command: Command) =>
  [
    command.name(),
    ...command.registeredArguments.map((a) => (a.required ? `<${a.name()}>` : `[${a.name()}]`)),
  ].join(' ');

/** `edgepress compress model.onnx`: the program's name is that of what it does without a command, and may be said twice.
 *  `--int8 model.onnx`: what follows is not a mode but the model. */
const separated = ([node = '', program = '', ...words]: readonly string[]) => {
  const given = words[0] === 'compress' ? words.slice(1) : words;
  return [node, program, ...given].map((word, i, argv) => {
    const next = argv[i + 1];
    return word === '--int8' &&
      next !== undefined &&
      !['auto', 'static', 'dynamic', 'weights'].includes(next) &&
      /[./\\]/.test(next)
      ? '--int8=auto'
      : word;
  });
};

const namesOf = ({ options }: Command) => options.flatMap(({ long }) => (long ? [long.slice(2)] : []));

/** Commands that only print what is known, and those that have nothing to do themselves, and hear Ctrl-C at once: they wait for phones, or
 *  for processes of their own. */
const atOnce = ['passes', 'recipe', 'help', 'lab', 'sweep', 'worker'];
/** Searches leave the work to processes of their own. */
const searches = (words: readonly string[]) => words.includes('--auto');
const asksForHelp = /^(-h|--help|-V|--version)$/;

/** Whether there may be something to stop. */
const takesTime = ([first, ...rest]: readonly string[]) =>
  first !== undefined &&
  !atOnce.includes(first) &&
  !searches([first, ...rest]) &&
  ![first, ...rest].some((word) => asksForHelp.test(word));

/** Answers for what goes wrong, too. @param argv  as the process has it
 *  @param elsewhere  does what takes time in another process @returns the exit code; undefined where nobody set one */
export async function runProgram(
  argv: readonly string[],
  elsewhere?: () => Promise<number>,
): Promise<number | undefined> {
  const words = separated(argv);
  const program = await build(words);
  try {
    if (elsewhere && takesTime(words.slice(2))) return await elsewhere();
    await program.parseAsync(words);
    return undefined;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return undefined;
    const { reportFailure, usageFailure, withCommandHint } = await import('./failure.ts');
    const commands = program.commands.map((c) => c.name());
    const typed = program.commands.find((c) => c.name() === program.args[0]) ?? program;
    return reportFailure(
      error instanceof CommanderError
        ? usageFailure(error, program.args, commands, namesOf(typed))
        : withCommandHint(error, program.args, commands),
    );
  }
}
