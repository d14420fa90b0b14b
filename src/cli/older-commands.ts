/** Options of the commands whose request has no schema yet. */
import { type Command, Option } from 'commander';
import {
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
import { dataNeeded, shared } from './shared-options.ts';
import { withMetrics, withSampling } from './text-options.ts';

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

export /** Choices stand in the descriptions already, where they are explained. */
const optionDescription = (option: Option) =>
  ['string', 'number'].includes(typeof option.defaultValue)
    ? `${option.description} (default: ${option.defaultValue})`
    : option.description;

export const older = {
  inspect: (command: Command) =>
    command
      .addOption(new Option('--nodes', 'list every node with its name'))
      .addOption(new Option('--text', 'print it in ONNX textual syntax').conflicts(['nodes', 'json']))
      .addOption(shared.json)
      .action(async (model, o) => (await import('./inspect.ts')).run(model, o)),
  compare: (command: Command) =>
    withData(command).action(async (before, after, o) =>
      (await import('./compare.ts')).run(before, after, o),
    ),
  evaluate: (command: Command) =>
    withMetrics(withData(command)).action(async (model, o) => (await import('./evaluate.ts')).run(model, o)),
  generate: (command: Command) =>
    withSampling(command)
      .addOption(shared.engine)
      .addOption(shared.json)
      .action(async (model, o) => (await import('./generate.ts')).run(model, o)),
  bundle: (command: Command) =>
    command
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
      .action(async (model, o) => (await import('./bundle.ts')).run(model, o)),
  ort: (command: Command) =>
    command
      .addOption(new Option('-o, --output <file>', 'default: <model>.ort').helpGroup('Output:'))
      .addOption(new Option('--x86', 'mainly for x86 (default: ARM); it runs on both').helpGroup('Target:'))
      .addOption(new Option('--force', 'replace files that edgepress did not make').helpGroup('Output:'))
      .addOption(shared.json)
      .action(async (model, o) => (await import('./ort.ts')).run(model, o)),
  profile: (command: Command) =>
    command
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
      .action(async (target, o) => (await import('./profile.ts')).run(target, o)),
  passes: (command: Command) =>
    command.addOption(shared.json).action(async (name, o) => (await import('./passes.ts')).run(name, o)),
  lab: (command: Command) =>
    command

      .addOption(new Option('--lan', 'let devices on your network join (default: only this machine)'))
      .addOption(new Option('--https', 'self-signed certificate: on a network, WebGPU and threads need one'))
      .addOption(new Option('--port <n>', 'port (default: a free one)').argParser(portNumber))
      .addOption(
        new Option('--idle <minutes>', 'end after this long without news').default(10).argParser(positive),
      )
      .addOption(new Option('--once', 'end when the first device is done'))
      .addOption(shared.report)
      .addOption(shared.json)
      .action(async (bundle, o) => (await import('./lab.ts')).run(bundle, o)),
};
