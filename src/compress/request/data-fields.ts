/** Fields about data that several requests share. */
import { z } from 'zod';
import { binTypes } from '../../support/bin-types.ts';
import { field, positive, wholeNumber, wholeNumberOrAll } from '../../support/field.ts';
import { targetNames } from '../../support/target.ts';
import { taskNames } from '../../support/task.ts';

const data = field.bind(null, 'Data');

const dataPath = z.string().meta(
  data(
    '--data <path>',
    'folder of images or recordings, text (.txt, .csv, .tsv, .jsonl), .npy, .npz or .bin; "synthetic" for seeded noise',
    {
      isPath: true,
      word: 'synthetic',
    },
  ),
);

/** Where nothing can be done without data. */
export const dataNeeded = dataPath;

export const dataFields = {
  data: dataPath.optional().meta({ ...dataPath.meta() }),
  labels: z
    .string()
    .optional()
    .meta(
      data(
        '--labels <file>',
        'CSV, JSON or .npy of classes; COCO JSON, a folder of YOLO texts or of PNG masks; class folders need none; "none" leaves those found alone',
        {
          needs: 'data',
          isPath: true,
          word: 'none',
        },
      ),
    ),
  preprocess: z
    .string()
    .optional()
    .meta(
      data(
        '--preprocess <how>',
        'imagenet, tf, caffe, 0-1, 0-255, none, or the path of a preprocessor_config.json',
        { fallback: 'guessed', needs: 'data' },
      ),
    ),
  tokenizer: z
    .string()
    .optional()
    .meta(
      data('--tokenizer <file>', 'tokenizer.json, a vocabulary (.json or .txt) or tokenizer.bin', {
        fallback: 'the one beside the model',
        needs: 'data',
        isPath: true,
      }),
    ),
  window: positive.optional().meta(
    data('--window <n>', 'tokens of a sample of text, samples of a stretch of sound', {
      fallback: 'what the model takes; of text 512 at most, 128 where it writes on; of sound 10 s',
      needs: 'data',
    }),
  ),
  sampleRate: positive.optional().meta(
    data('--sample-rate <Hz>', 'of sound as the model takes it', {
      fallback: 'by its metadata or preprocessor_config.json, else guessed',
      needs: 'data',
    }),
  ),
  dtype: z
    .enum(binTypes)
    .optional()
    .meta(
      data('--dtype <type>', 'of the numbers in .bin files: float32, uint8, int64 …', {
        fallback: "the input's",
        needs: 'data',
      }),
    ),
  skipBad: z
    .boolean()
    .default(false)
    .meta(data('--skip-bad', 'leave out images that cannot be decoded', { needs: 'data' })),
  seed: wholeNumber.default(0).meta(data('--seed <n>', 'seed of every draw')),
};

/** Of requests that change a model and compare what came out with the original. */
export const heldOutFields = {
  calibrate: positive.default(100).meta(data('--calibrate <n>', 'samples to find ranges on')),
  evaluate: wholeNumberOrAll.optional().meta(
    data('--evaluate <n>', 'other samples to compare on, or "all"', {
      fallback: '200, or all of --test-data; half of the data where pruning or training needs the rest',
      needs: 'data',
    }),
  ),
  testData: z
    .string()
    .optional()
    .meta(
      data('--test-data <path>', 'compare on this data, not on a part of --data held back', {
        needs: ['data', 'realData'],
        isPath: true,
      }),
    ),
  testLabels: z
    .string()
    .optional()
    .meta(data('--test-labels <file>', 'labels of --test-data', { needs: 'testData', isPath: true })),
};

export const targetField = z
  .enum(targetNames)
  .optional()
  .meta(
    field('Target', '--target <name>', 'where it will run: wasm, webgpu, node, mobile or litert', {
      fallback: 'litert where a .tflite is written, otherwise wasm',
    }),
  );

export const taskField = z
  .enum(taskNames)
  .optional()
  .meta(
    field('Target', '--task <name>', `what the model is for, and is judged by: ${taskNames.join(', ')}`, {
      fallback: 'what its outputs, its metadata and files beside it show',
    }),
  );

export const engineField = z
  .enum(['wasm', 'node'])
  .default('wasm')
  .meta(field('Target', '--engine <name>', 'wasm or node: the runtime to run on'));
