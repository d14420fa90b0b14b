/** Models that find objects in pictures. */
import { type Clues, described, listed } from '../clues.ts';
import { detectionHead, outputsOfHead } from '../detection-head.ts';
import type { Found } from '../task.ts';

export function detection({ answers, picture, hasOp }: Clues): Found | null {
  const head = detectionHead(answers, picture);
  const named = head ? outputsOfHead(head) : answers.map(({ name }) => name);
  if (!head && !hasOp('NonMaxSuppression')) return null;
  const of = answers.filter(({ name }) => named.includes(name));
  const chosen = head ? '' : ', chosen by NonMaxSuppression';
  return {
    evidence: `${listed(of.map(described))}${chosen}${head ? form[head.kind] : ''}`,
    outputs: of.map(({ name }) => ({ name, role: 'detections' })),
  };
}

const form = {
  pairs: ': boxes and scores for each place',
  rows: ': a box and scores in each row',
  grids: ': maps of boxes, laid on the anchors of YOLOv3 and YOLOv5, which the file does not have',
  finished: ': boxes, scores and classes',
  'finished-rows': ': a box, its score and class in each row',
} as const;
