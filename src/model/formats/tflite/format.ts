/** TensorFlow Lite, which is called LiteRT now. */
import { hasIdentifier } from '../flatbuffers/checked.ts';
import type { ModelFormat } from '../format.ts';
import { readTflite } from './read/read.ts';
import { tfliteSchema } from './schema.ts';

export const tfliteFormat: ModelFormat = {
  id: 'tflite',
  name: 'LiteRT',
  extensions: ['.tflite'],
  runnable: false,
  recognise: (bytes) => hasIdentifier(bytes, tfliteSchema.identifier),
  read: readTflite,
  files: () => [],
};
