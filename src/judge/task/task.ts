/** What a model is for, and which of its outputs say it. */
import { z } from 'zod';
import { taskNames } from '../../support/task.ts';

/** What an output is in the answer:
 *  - scores: of classes, along the last axis; the largest is the answer
 *  - activations: each says by itself whether something is there (Sigmoid)
 *  - detections: boxes, their scores, or both; src/judge/task/detection-head.ts says which
 *  - mask: a class, or scores of classes, for every place of the input
 *  - embedding: a vector for the whole sample; tokens: one for each token
 *  - image, values: what they are called
 *  - logits: scores of the next token at every place
 *  - letters: scores of classes along time, blanks and repetitions among them (CTC) */
export const roles = [
  'scores',
  'activations',
  'detections',
  'mask',
  'embedding',
  'tokens',
  'image',
  'values',
  'logits',
  'letters',
] as const;

export type Role = (typeof roles)[number];

export const taskSchema = z.object({
  name: z.enum(taskNames),
  /** Who says so: somebody who was asked, the model's own metadata or files beside it, or what the graph gives and takes. */
  by: z.enum(['asked', 'metadata', 'outputs']),
  /** In plain words: "boxes [1,4420,4] and scores [1,4420,2]". */
  evidence: z.string(),
  /** Outputs that hold the answer. */
  outputs: z.array(z.object({ name: z.string(), role: z.enum(roles) })),
});

export type Task = z.infer<typeof taskSchema>;

/** What a rule found in a model. */
export type Found = Pick<Task, 'evidence' | 'outputs'>;

export const outputsAs = (task: Pick<Task, 'outputs'>, ...wanted: readonly Role[]): string[] =>
  task.outputs.filter(({ role }) => wanted.includes(role)).map(({ name }) => name);

/** Outputs of which the largest element along the last axis is an answer. */
export const decidingOutputs = (task: Pick<Task, 'outputs'>): ReadonlySet<string> =>
  new Set(outputsAs(task, 'scores', 'logits'));
