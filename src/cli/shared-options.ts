/** Options that several commands share, each described once. */
import { Option } from 'commander';
import { listed, positive, positiveOrAll, wholeNumber, wholeNumberOrAll } from './arguments.ts';

export const int8Modes = ['auto', 'static', 'dynamic', 'weights'];

export const shared = {
  data: new Option('--data <path>', 'folder of images, .npy or .npz; "synthetic" for seeded noise').helpGroup(
    'Data:',
  ),
  labels: new Option('--labels <file>', 'CSV, JSON or .npy; folders named by class need none').helpGroup(
    'Data:',
  ),
  testData: new Option(
    '--test-data <path>',
    'compare on this data, not on a part of --data held back',
  ).helpGroup('Data:'),
  testLabels: new Option('--test-labels <file>', 'labels of --test-data').helpGroup('Data:'),
  preprocess: new Option(
    '--preprocess <how>',
    'imagenet, tf, caffe, 0-1, 0-255, none, or the path of a preprocessor_config.json (default: guessed)',
  ).helpGroup('Data:'),
  skipBad: new Option('--skip-bad', 'leave out images that cannot be decoded').helpGroup('Data:'),
  seed: new Option('--seed <n>', 'seed of every draw').default(0).argParser(wholeNumber).helpGroup('Data:'),
  samples: new Option('--samples <n>', 'use at most this many (default: all)')
    .argParser(positiveOrAll)
    .helpGroup('Data:'),
  json: new Option('--json', 'one JSON document on stdout, all else on stderr').helpGroup('Output:'),
  engine: new Option('--engine <name>', 'wasm or node: the runtime to run on')
    .choices(['wasm', 'node'])
    .default('wasm')
    .helpGroup('Target:'),
  target: new Option('--target <name>', 'where it will run: wasm, webgpu, node or mobile')
    .choices(['wasm', 'webgpu', 'node', 'mobile'])
    .default('wasm')
    .helpGroup('Target:'),
  int8: new Option(
    '--int8 [mode]',
    'static (default with --data), dynamic (default without) or weights (computation stays in float)',
  )
    .choices(int8Modes)
    .preset('auto')
    .helpGroup('Precision:'),
  fp16: new Option('--fp16', 'weights and computation in float16; for WebGPU')
    .conflicts(['int8'])
    .helpGroup('Precision:'),
  q4: new Option('--q4', 'products in 4 bits; with --fp16 the rest in float16')
    .conflicts(['int8'])
    .helpGroup('Precision:'),
  calibrate: new Option('--calibrate <n>', 'samples to find ranges on')
    .default(100)
    .argParser(positive)
    .helpGroup('Data:'),
  evaluate: new Option(
    '--evaluate <n>',
    'other samples to compare on, or "all" (default: 200, or all of --test-data)',
  )
    .argParser(wholeNumberOrAll)
    .helpGroup('Data:'),
  report: new Option('--report <files>', 'tables and charts as .html, .md or .json; several with commas')
    .argParser((text) => listed(text))
    .helpGroup('Output:'),
  noCache: new Option('--no-cache', 'calibrate again, and keep nothing for the next time').helpGroup(
    'Output:',
  ),
};

/** For commands that need data. */
export const dataNeeded = new Option(shared.data.flags, shared.data.description)
  .makeOptionMandatory()
  .helpGroup('Data:');
