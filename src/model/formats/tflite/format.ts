/** TensorFlow Lite, which is called LiteRT now. */
import { hasIdentifier } from '../flatbuffers/checked.ts';
import type { ModelFormat } from '../format.ts';
import { readTflite } from './read/read.ts';
import { tfliteSchema } from './schema.ts';
import { writeTflite } from './write/write.ts';

export const tfliteFormat: ModelFormat = {
  id: 'tflite',
  name: 'LiteRT',
  extensions: ['.tflite'],
  runnable: false,
  loadsUnfolded: true,
  target: 'litert',
  recognise: (bytes) => hasIdentifier(bytes, tfliteSchema.identifier),
  read: readTflite,
  files: () => [],
  write: (model, { name, ...options }) => [{ name, pieces: () => [writeTflite(model, options)] }],
};
