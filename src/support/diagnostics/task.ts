/** Messages about what a model is for. */

import { user } from '../diagnostics.ts';
import type { TaskName } from '../task.ts';

/** @param outputs  with their shapes @param fitting  tasks that they look like the answers of, the likeliest first */
export const taskUnfit = (
  task: TaskName,
  { outputs, fitting }: { readonly outputs: readonly string[]; readonly fitting: readonly TaskName[] },
) =>
  user(
    'TASK_UNFIT',
    `--task ${task} is ${wanted[task]}; what this model gives is ${outputs.join(', ')}.`,
    `Its outputs look like those of ${fitting.join(' or ')}: name that, or leave --task out.`,
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
      'Say what the model is for with --task, leave these labels out, or name a metric that they are for (compress evaluate --metric).',
  );

/** What a model of a task gives. */
const wanted: Readonly<Record<TaskName, string>> = {
  classification: 'for models that give scores of classes, [N, classes]',
  tagging: 'for models that give numbers each of which says whether something is there',
  detection: 'for models that give boxes and their scores, or rows of both',
  segmentation:
    'for models that give a class, or scores of classes, for every place: [N, classes, height, width]',
  embedding: 'for models that give a vector for each sample, or for each token',
  'image-to-image': 'for models that give pictures, [N, channels, height, width]',
  regression: 'for models that give numbers',
  transcription: 'for models that give scores of letters along time, [N, time, letters]',
  'language-model': 'for models that give scores of the next token, [N, tokens, vocabulary]',
  'encoder-decoder': 'for models that give scores of the next token, [N, tokens, vocabulary]',
  other: 'for any model',
};
