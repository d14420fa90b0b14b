/** Finds what a model is for: what somebody says, then what its metadata or files beside it say, then what its graph gives. */
import type { Model } from '../../model/ir/model.ts';
import { taskUnfit } from '../../support/diagnostics/task.ts';
import type { TaskName } from '../../support/task.ts';
import { type Clues, cluesOf, described } from './clues.ts';
import { type Beside, namedTask } from './named-task.ts';
import { anyImage, anyMask, imageToImage, segmentation } from './rules/dense.ts';
import { detection } from './rules/detection.ts';
import { encoderDecoder, languageModel, textEmbedding, tokenClasses } from './rules/text.ts';
import * as vector from './rules/vector.ts';
import type { Found, Task } from './task.ts';

type Rule = (clues: Clues) => Found | null;

/** What shows a task by itself, in order: whichever comes first is it. */
const rules: readonly (readonly [TaskName, Rule])[] = [
  ['encoder-decoder', encoderDecoder],
  ['language-model', languageModel],
  ['classification', tokenClasses],
  ['detection', detection],
  ['segmentation', segmentation],
  ['image-to-image', imageToImage],
  ['transcription', vector.transcription],
  ['classification', vector.classification],
  ['tagging', vector.tagging],
  ['embedding', textEmbedding],
  ['embedding', vector.embedding],
  ['regression', vector.regression],
];

/** What holds the answer where the task is known: what the rules find, else the first output of a form that it may have. */
const fallbacks: Readonly<Record<TaskName, readonly Rule[]>> = {
  classification: [vector.anyScores],
  tagging: [vector.anyActivations],
  detection: [],
  segmentation: [anyMask],
  embedding: [vector.anyTokens, vector.anyVector],
  'image-to-image': [anyImage],
  regression: [vector.anyValues],
  transcription: [vector.anyLetters],
  'language-model': [vector.anyLogits],
  'encoder-decoder': [vector.anyLogits],
  other: [({ answers }) => ({ evidence: answers.map(described).join(', '), outputs: [] })],
};

export interface TaskHints extends Beside {
  /** What somebody says that it is for. */
  readonly asked?: TaskName | undefined;
  /** Whether samples have class labels. */
  readonly labelled?: boolean;
}

/** @throws TASK_UNFIT when no output is what the task that was asked for answers with */
export function recogniseTask(model: Model, hints: TaskHints = {}): Task {
  const { asked, labelled, ...beside } = hints;
  const clues = cluesOf(model, labelled);
  if (asked) {
    const found = foundAs(asked, clues);
    if (!found)
      throw taskUnfit(asked, {
        outputs: clues.answers.map(described),
        fitting: [...new Set(rules.filter(([, rule]) => rule(clues)).map(([name]) => name)), 'other'],
      });
    return { name: asked, by: 'asked', ...found };
  }
  const named = namedTask(model.metadata, beside);
  const held = named && foundAs(named.name, clues);
  if (held)
    return {
      name: named.name,
      by: 'metadata',
      evidence: `${named.evidence}: ${held.evidence}`,
      outputs: held.outputs,
    };
  for (const [name, rule] of rules) {
    const found = rule(clues);
    if (found) return { name, by: 'outputs', ...found };
  }
  return { name: 'other', by: 'outputs', ...foundAs('other', clues)! };
}

function foundAs(task: TaskName, clues: Clues): Found | null {
  for (const [name, rule] of rules) {
    const found = name === task && rule(clues);
    if (found) return found;
  }
  for (const rule of fallbacks[task]) {
    const found = rule(clues);
    if (found) return found;
  }
  return null;
}
