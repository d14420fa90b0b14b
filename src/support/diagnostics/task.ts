/** Messages about what a model is for. */
import { user } from '../diagnostics.ts';

export const taskUnfit = (task: string, outputs: readonly string[]) =>
  user(
    'TASK_UNFIT',
    `--task ${task} needs an output that answers it; this model gives ${outputs.join(', ')}.`,
    'compress inspect says what the model is taken for; leave --task out, or pass --task other to compare outputs as numbers.',
  );
