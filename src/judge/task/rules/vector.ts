/** Models that answer with one row of numbers: classes, tags, a vector that stands for the sample, measured values. */
import { isOp } from '../../../model/ir/model.ts';
import { namesScores, scoreOutputs } from '../../../model/ops/class-scores.ts';
import {
  type Answer,
  type Clues,
  computing,
  described,
  listed,
  rankOf,
  vectorWidth,
  widthOf,
} from '../clues.ts';
import type { Found, Role } from '../task.ts';

const isSoft = ({ producer }: Answer) => isOp(producer, 'Softmax', 'LogSoftmax');
const isSigmoid = ({ producer }: Answer) => isOp(producer, 'Sigmoid', 'HardSigmoid');
/** Between 0 and 1 each, or the mean of several such over time. */
const isShare = (answer: Answer): boolean => {
  const { producer } = answer;
  if (!isOp(producer, 'ReduceMean')) return isSigmoid(answer);
  return isSigmoid({ ...answer, producer: computing(producer?.inputs[0]) });
};
const namesVectors = /embed|feature|descriptor|vector|hidden_state|pooler/i;

const found = (answers: readonly Answer[], role: Role, what: string): Found => ({
  evidence: `${listed(answers.map(described))}${what}`,
  outputs: answers.map(({ name }) => ({ name, role })),
});

/** Whether a width is one that vectors have which stand for something: 128, 192, 512; classes are seldom so many. */
const isVectorWidth = (width: number | null) => width !== null && width >= 128 && width % 64 === 0;

export function classification(clues: Clues): Found | null {
  const { model, answers, labelled, classes } = clues;
  const scored = scoreOutputs(model);
  const fitting = answers.filter((a) => scored.has(a.name) && (vectorWidth(a) ?? 2) >= 2);
  const named = fitting.filter((a) => isSoft(a) || namesScores(a.name));
  if (named.length > 0) return found(named, 'scores', ' are scores of classes');
  const rows = answers.filter((a) => a.isFloat && (vectorWidth(a) ?? 0) >= 2);
  if (labelled && rows.length === 1) return found(rows, 'scores', ', and samples have class labels');
  const [only] = fitting;
  if (!only || fitting.length > 1 || rankOf(only) === 1) return null;
  const width = vectorWidth(only);
  if (classes && classes.length === width)
    return found([only], 'scores', `, and the model names ${width} classes`);
  if (isSigmoid(only) || isOp(only.producer, 'Concat', 'Tanh')) return null;
  if (embedding(clues) !== null || isAsItCame(clues, only)) return null;
  return found([only], 'scores', ', a row of numbers for each sample, as scores of classes are');
}

/** Whether a model gives back what it was given, as an autoencoder does. */
const isAsItCame = ({ inputs, labelled }: Clues, { shape }: Answer) =>
  !labelled &&
  inputs.some((p) => p.shape && shape && p.shape.length === shape.length && shape.every(sameAs(p.shape)));

const sameAs = (other: readonly unknown[]) => (d: unknown, i: number) =>
  d === other[i] || (i === 0 && typeof d !== 'number' && typeof other[i] !== 'number');

export function tagging({ answers }: Clues): Found | null {
  const floats = answers.filter((a) => a.isFloat);
  const fitting = floats.filter((a) => isShare(a) && (rankOf(a) ?? 9) <= 3);
  if (fitting.length === 0 || fitting.length < floats.length) return null;
  return found(fitting, 'activations', ', each number by itself between 0 and 1 (Sigmoid)');
}

export function embedding(clues: Clues): Found | null {
  const { answers } = clues;
  const floats = answers.filter((a) => a.isFloat);
  const fitting = floats.filter((a) => (vectorWidth(a) ?? 0) > 1 && !namesScores(a.name) && !isSoft(a));
  const named = fitting.find((a) => namesVectors.test(a.name));
  if (named) return found([named], 'embedding', '');
  const tokens = floats.find((a) => rankOf(a) === 3 && namesVectors.test(a.name) && !namesScores(a.name));
  if (tokens) return found([tokens], 'tokens', ', vectors of which the mean is taken');
  const [only] = fitting;
  if (!only || floats.length > 1) return null;
  if (isNormalised(only)) return found([only], 'embedding', ', a vector of length 1');
  if (isSigmoid(only) || isAsItCame(clues, only) || !isVectorWidth(vectorWidth(only))) return null;
  return found([only], 'embedding', ', as wide as vectors are that stand for something');
}

/** Divided by its own length. */
function isNormalised({ producer }: Answer): boolean {
  if (producer?.opType === 'LpNormalization') return true;
  if (producer?.opType !== 'Div') return false;
  let by = producer.inputs[1]?.producer;
  while (isOp(by, 'Clip', 'Max', 'Expand', 'Sqrt', 'Add', 'Unsqueeze', 'Reshape'))
    by = by?.inputs[0]?.producer;
  return isOp(by, 'ReduceL2', 'ReduceSumSquare', 'ReduceSum');
}

/** A row of scores for each step of time, blanks among them: what CTC is trained on. */
export function transcription({ answers, tokens }: Clues): Found | null {
  const [only] = answers.filter((a) => a.isFloat);
  if (tokens || !only || answers.length > 1 || rankOf(only) !== 3) return null;
  const width = widthOf(only);
  if (width === null || width < 20 || !(isSoft(only) || namesScores(only.name))) return null;
  return found([only], 'letters', ', scores of letters along time');
}

export function regression(clues: Clues): Found | null {
  const { answers } = clues;
  const floats = answers.filter((a) => a.isFloat);
  const [only] = floats;
  if (only && answers.length === 1 && isAsItCame(clues, only))
    return found([only], 'values', ', of the shape that goes in: a reconstruction of it');
  return floats.length > 0 && floats.length === answers.length ? found(floats, 'values', '') : null;
}

// --- where somebody says what the model is for ---------------------------------------------------------------------

const firstOf = (role: Role, fits: (a: Answer) => boolean, what = '') =>
  function first({ answers }: Clues): Found | null {
    const answer = answers.find(fits);
    return answer ? found([answer], role, what) : null;
  };

export const anyScores = firstOf('scores', (a) => a.isFloat && (rankOf(a) ?? 2) >= 2);
export const anyLogits = firstOf('logits', (a) => a.isFloat && (rankOf(a) ?? 3) === 3);
export const anyLetters = firstOf('letters', (a) => a.isFloat && (rankOf(a) ?? 3) === 3);
export const anyTokens = firstOf(
  'tokens',
  (a) => a.isFloat && rankOf(a) === 3,
  ', of which the mean is taken',
);
export const anyVector = firstOf('embedding', (a) => a.isFloat && rankOf(a) !== 3);
export const anyValues = ({ answers }: Clues): Found | null => {
  const floats = answers.filter((a) => a.isFloat);
  return floats.length > 0 ? found(floats, 'values', '') : null;
};
export const anyActivations = ({ answers }: Clues): Found | null => {
  const floats = answers.filter((a) => a.isFloat);
  return floats.length > 0 ? found(floats, 'activations', '') : null;
};
