/** The order of the files: the longest first, so that all workers end at about the same time. vitest knows how long files take only
 *  where it has run them before. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Those that take more than ten seconds, longest first. */
const longest = [
  'compress/prune/on-data',
  'examples/mobilenet',
  'cli/auto',
  'jobs/measure-kernels',
  'cli/bundle',
  'cli/sweep',
  'cli/worker',
  'cli/sweep-queue',
  'fixtures/seed-systems',
  'cli/commands',
  'cli/train',
  'zoo/litert-imagenet',
  'jobs/bundle-litert',
  'fuzz/fuzz',
  'cli/convert',
  'cli/formats',
  'cli/decoded-once',
  'model/formats/tfjs/write/browser',
  'cli/kills',
  'cli/interrupt',
  'jobs/bundle-tfjs',
  'data/zoo',
  'packages/packages',
  'runtime/browser',
  'cli/left-out',
  'cli/loaded-modules',
  'zoo/preprocessing',
  'cli/errors',
  'zoo/int8',
  'zoo/tfjs-imagenet',
  'jobs/bundle-gate',
  'runtime/litert',
  'cli/privacy',
  'ship/profile/device',
  'model/formats/tflite/write/node-tests',
  'compress/prune/zoo',
  'compress/quant/trainable',
  'examples/web',
  'jobs/bundle-litert-missing',
  'zoo/node-tests',
  'zoo/byte-account',
  'ship/lab/phone',
  'ship/profile/isolated',
  'jobs/stripped',
].map((name) => join(import.meta.dirname, `${name}.test.ts`));

const missing = longest.filter((file) => !existsSync(file));
if (missing.length > 0)
  throw new Error(`test/longest-first.ts names what isn't there: ${missing.join(', ')}`);

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = longest.indexOf(moduleId);
      return at < 0 ? longest.length : at;
    };
    // The others as vitest has them; the sort is stable.
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
