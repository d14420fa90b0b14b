/** The account of bytes on real models and on ONNX's own test models: every constant in one row, as onnx-proto counts them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../src/compress/compress.ts';
import { openEngine } from '../../src/compute/engine/open.ts';
import { byteAccount } from '../../src/judge/analyze/byte-account.ts';
import { recipeAccount } from '../../src/judge/analyze/recipe-account.ts';
import { readModelFile } from '../../src/model/formats/file.ts';
import { encodeModel } from '../../src/model/formats/onnx/index.ts';
import type { Model } from '../../src/model/ir/model.ts';
import { Diagnostic } from '../../src/support/diagnostics.ts';
import { createRandom } from '../../src/support/random.ts';
import { checkAccount } from '../judge/analyze/check-account.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
const modes = ['int8-dynamic', 'q4', 'float16'] as const;
/** Larger models are checked as they are only: quantising them takes minutes. */
const quickBytes = 20e6;
/** Of ONNX's test models, these many are compressed. */
const drawn = 60;

const modelsBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((f) => f.endsWith('.onnx'))
    .map((f) => join(folder, f))
    .sort();

/** null where the file is one that has to be refused. */
function opened(path: string): Model | null {
  try {
    return readModelFile(path);
  } catch (error) {
    if (error instanceof Diagnostic) return null;
    throw error;
  }
}

describe.skipIf(!zoo)('every byte has a row (set EDGEPRESS_ZOO to run)', async () => {
  const engine = await openEngine();

  async function checkCompressed(model: Model, name: string): Promise<void> {
    for (const mode of modes) {
      const recipe = preset(mode);
      try {
        const made = await compressModel(model, { recipe, engine });
        const account = await recipeAccount(made.model, recipe, made.journal);
        checkAccount(account, encodeModel(made.model), `${name} ${mode}`);
      } catch (error) {
        if (!(error instanceof Diagnostic)) throw error;
      }
    }
  }

  it.each(zoo ? modelsBelow(join(zoo, 'models')) : [])('of %s', { timeout: 120_000 }, async (path) => {
    const model = opened(path);
    if (!model) return;
    const file = encodeModel(model);
    checkAccount(byteAccount(model), file);
    if (file.length < quickBytes) await checkCompressed(model, path);
  });

  describe("of ONNX's own test models", () => {
    let folder: string;
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'edgepress-account-'));
      execFileSync('tar', ['-xJf', join(zoo!, 'data/onnx-node-tests.tar.xz'), '-C', folder]);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    it('as they are', { timeout: 120_000 }, () => {
      const paths = modelsBelow(folder);
      expect(paths.length).toBeGreaterThan(1900);
      for (const path of paths) {
        const model = opened(path);
        if (model) checkAccount(byteAccount(model), readFileSync(path), path);
      }
    });

    it(`in int8, 4 bits and float16, ${drawn} drawn by a seed`, { timeout: 120_000 }, async () => {
      const paths = modelsBelow(folder);
      const random = createRandom(12);
      for (let i = 0; i < drawn; i++) {
        const path = paths[random.integer(paths.length)]!;
        const model = opened(path);
        if (model) await checkCompressed(model, path);
      }
    });
  });
});
