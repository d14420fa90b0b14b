/** Messages about what a model is for. */
import { user } from '../diagnostics.ts';

export const taskUnfit = (task: string, outputs: readonly string[]) =>
  user(
    'TASK_UNFIT',
    `--task ${task} needs an output that answers it; this model gives ${outputs.join(', ')}.`,
    'compress inspect says what the model is taken for; leave --task out, or pass --task other to compare outputs as numbers.',
  );

const truths: Readonly<Record<string, string>> = {
  detection:
    'Pass boxes that people drew: --labels annotations.json (COCO), or text files of YOLO in a folder "labels" beside "images". A detector whose boxes are offsets from places that it does not tell can not be laid on them.',
  segmentation: 'Pass masks that people drew: --labels masks/, PNG files with the names of the pictures.',
  regression: 'Pass a .npz with an array "y" of float32 beside the inputs, one row a sample.',
};

export const taskUnlabelled = (source: string, task: string) =>
  user(
    'TASK_UNLABELLED',
    `${source} does not say what is right for a model of ${task}.`,
    truths[task] ??
      'Name a metric that the data has labels for (--metric), or use compress compare, which needs none.',
  );
