/** Files of the zoo (EDGEPRESS_ZOO) that onnxruntime itself calls invalid: a damaged file proves nothing about us. They are left
 *  out, and named. */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

const zoo = process.env['EDGEPRESS_ZOO'];

async function isInvalid(path: string): Promise<boolean> {
  const ort = (await import('onnxruntime-node')).default;
  try {
    const session = await ort.InferenceSession.create(path, {
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 4,
    });
    await session.release();
    return false;
  } catch (cause) {
    // Operators that the runtime lacks are another matter: such a model is whole.
    return /This is an invalid model(?!.*(not a registered|No Op registered))/s.test(String(cause));
  }
}

async function findInvalid(folder: string): Promise<string[]> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.onnx'));
  const invalid: string[] = [];
  for (const file of files) if (await isInvalid(join(folder, file))) invalid.push(basename(file));
  if (invalid.length > 0) console.warn(`Left out, as onnxruntime calls them invalid: ${invalid.join(', ')}`);
  return invalid;
}

const invalid = new Set(zoo ? await findInvalid(join(zoo, 'models')) : []);

/** Whether the file, by its name, is one that the runtime can take for a model. */
export const isValidModel = (path: string): boolean => !invalid.has(basename(path));
