/** Fields about what is measured and written. */
import { z } from 'zod';
import { writtenFormatIds } from '../../model/formats/format.ts';
import { field, orText, positive } from '../../support/field.ts';
import { ioTypes } from '../../support/io-type.ts';

const output = field.bind(null, 'Output');

/** Of what is written where no file name says it. */
export const formatField = z
  .enum(writtenFormatIds)
  .optional()
  .meta(
    output('--format <name>', 'onnx, onnx-text, tflite for LiteRT, or tfjs for TensorFlow.js: a folder', {
      fallback: 'what the name of the output says; tflite for --target litert, and of a .tflite file',
    }),
  );

/** In the file, not inside of the model. */
export const ioField = z
  .enum(ioTypes)
  .optional()
  .meta(
    output('--io <type>', 'type of inputs and outputs in a .tflite: float, uint8 or int8', {
      fallback: 'as the model has them: float, as a rule',
    }),
  );

export const openBatchField = z
  .boolean()
  .default(false)
  .meta(output('--open-batch', 'keep an open batch open in a .tflite, for interpreters that resize inputs'));

export const keepMetadataField = z
  .boolean()
  .default(false)
  .meta(
    output(
      '--keep-metadata',
      'keep what exporters wrote of the machine: stack traces, source lines, absolute paths',
    ),
  );

export const outputFields = {
  output: z
    .string()
    .optional()
    .meta(
      output('-o, --output <path>', 'file or folder; .tflite writes LiteRT, .json TensorFlow.js', {
        fallback: '<model>.int8.onnx beside the model',
        isPath: true,
      }),
    ),
  format: formatField,
  io: ioField,
  openBatch: openBatchField,
  keepMetadata: keepMetadataField,
  force: z.boolean().default(false).meta(output('--force', 'replace files that edgepress did not make')),
  compare: z.boolean().default(true).meta(output('--no-compare', 'do not compare with the original')),
  measure: z.boolean().default(true).meta(output('--no-measure', 'do not measure latency and memory')),
  cache: z
    .boolean()
    .default(true)
    .meta(output('--no-cache', 'calibrate again, and keep nothing for the next time')),
};

/** "batch=1,sequence=128" as { batch: 1, sequence: 128 }; what is no such pair stays for the schema to refuse. */
const readNumbers = (text: string) =>
  Object.fromEntries(
    text.split(',').map((pair) => {
      const [name = '', size] = pair.split(/=(?=[^=]*$)/);
      return [name.trim(), Number(size)];
    }),
  );

/** What is read of the model. */
export const inputFields = {
  sizes: orText(
    z.record(z.string().min(1), positive),
    readNumbers,
    'Sizes were expected, whole numbers from 1 up, as sequence=128.',
  )
    .optional()
    .meta(
      output('--sizes <list>', 'numbers for sizes that the model leaves open (batch=1,sequence=128)', {
        fallback: 'they stay open',
      }),
    ),
  fix: orText(
    z.record(z.string().min(1), z.number()),
    readNumbers,
    'Inputs and their numbers were expected, as sr=16000.',
  )
    .optional()
    .meta(
      output(
        '--fix <list>',
        'inputs that become a part of the model, with this number at every run (sr=16000)',
        {
          fallback: 'all stay inputs',
        },
      ),
    ),
  outputs: z
    .array(z.string().min(1, 'An item is empty.'))
    .min(1)
    .optional()
    .meta(
      output('--outputs <names>', 'cut the model behind these values (a,b)', {
        fallback: 'the outputs that it has',
        isList: true,
      }),
    ),
  layout: z
    .enum(['nchw', 'nhwc'])
    .optional()
    .meta(
      output('--layout <order>', 'pictures in and out of the model as nchw or nhwc', {
        fallback: 'as its file has them',
      }),
    ),
};

/** Which configuration file completes the request; true: the one that is found from the working folder upwards. */
export const configField = z
  .union([z.string(), z.boolean()])
  .optional()
  .meta(
    field('Output', '--config <file>', 'options that stand in a file', {
      fallback: 'edgepress.config.{json,js,mjs,ts}, if there is one',
      off: 'leave that file alone',
      isPath: true,
    }),
  );
