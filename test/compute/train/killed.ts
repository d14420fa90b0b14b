/** Trains with checkpoints in the folder given, a line a batch, until it is done or killed. Started by resume.test.ts. */
import { openEngine } from '../../../src/compute/engine/open.ts';
import { fileCheckpoints } from '../../../src/compute/train/checkpoint.ts';
import { train } from '../../../src/compute/train/loop.ts';
import { settings, student } from './run.ts';

const [, , folder = ''] = process.argv;
const options = await settings(await openEngine('node'));
for await (const event of train(student(), { ...options, checkpoints: fileCheckpoints(folder, 2) }))
  if (event.kind === 'step') process.stdout.write(`batch ${event.batch}\n`);
