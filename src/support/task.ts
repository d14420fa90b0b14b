/** What a model is for. */

/** Each with what is said of it in help and reports; 'other' is what none of them fits: its outputs are compared as numbers. */
export const tasks = {
  classification: 'classification',
  tagging: 'tagging',
  detection: 'object detection',
  segmentation: 'segmentation',
  embedding: 'embedding',
  'image-to-image': 'image to image',
  regression: 'regression',
  transcription: 'transcription',
  'language-model': 'language model',
  'encoder-decoder': 'encoder–decoder',
  other: 'not recognised',
} as const;

export type TaskName = keyof typeof tasks;

export const taskNames = Object.keys(tasks) as [TaskName, ...TaskName[]];
