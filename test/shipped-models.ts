/** The ONNX models in fixtures/models, without what README's command writes beside one of them. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../fixtures/models/', import.meta.url));

/** File names. */
export const shippedModels = readdirSync(folder).filter((name) => /(?<!\.int8)\.onnx$/.test(name));
