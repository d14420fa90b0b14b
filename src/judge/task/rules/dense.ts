/** Models that answer with a number or a class for every place of a picture. */
import { isOp } from '../../../model/ir/model.ts';
import type { Dim } from '../../../model/ir/type.ts';
import { type Answer, type Clues, described, rankOf } from '../clues.ts';
import type { Found, Role } from '../task.ts';

const namesMasks = /mask|seg|matte|alpha|foreground/i;
const namesHeatmaps = /heat|keypoint|pose|landmark|depth|disparity/i;

interface Dense {
  readonly answer: Answer;
  readonly channels: Dim;
}

/** [N,C,H,W], or [N,H,W,C] where pictures come so, of nearly the size of the picture that goes in. */
function denseAnswers({ picture, answers }: Clues): Dense[] {
  return answers.flatMap((answer) => {
    if (!picture || rankOf(answer) !== 4) return [];
    const [, a, b, c] = answer.shape as readonly [Dim, Dim, Dim, Dim];
    const isLast = picture.layout === 'NHWC';
    const [channels, height, width] = isLast ? [c, a, b] : [a, b, c];
    const isLarge = (side: Dim, whole: number | null) =>
      typeof side !== 'number' || (whole === null ? side > 4 : side >= 4 && 16 * side >= whole);
    const isDense = isLarge(height, picture.height) && isLarge(width, picture.width);
    return isDense ? [{ answer, channels }] : [];
  });
}

const isSoft = ({ producer }: Answer) => isOp(producer, 'Softmax', 'LogSoftmax');
const isSigmoid = ({ producer }: Answer) => isOp(producer, 'Sigmoid', 'HardSigmoid');

const found = ({ answer }: Pick<Dense, 'answer'>, role: Role, what: string): Found => ({
  evidence: `${described(answer)}, ${what}`,
  outputs: [{ name: answer.name, role }],
});

export function segmentation(clues: Clues): Found | null {
  const classes = clues.answers.find(
    (a) => (rankOf(a) === 3 || rankOf(a) === 4) && clues.picture && isOp(a.producer, 'ArgMax'),
  );
  if (classes) return found({ answer: classes }, 'mask', 'a class for every place of the picture');
  const dense = denseAnswers(clues).filter(({ answer }) => !namesHeatmaps.test(answer.name));
  const scored = dense.find(
    ({ answer, channels }) =>
      channels !== 1 && (isSoft(answer) || namesMasks.test(answer.name) || !isColour(channels)),
  );
  if (scored) return found(scored, 'mask', 'scores of classes for every place of the picture');
  const mask = dense.find(
    ({ answer, channels }) => channels === 1 && (isSigmoid(answer) || namesMasks.test(answer.name)),
  );
  return mask ? found(mask, 'mask', 'a share for every place of the picture') : null;
}

const isColour = (channels: Dim) => channels === 1 || channels === 3 || channels === 4;

export function imageToImage(clues: Clues): Found | null {
  const [image] = denseAnswers(clues).filter(({ channels }) => isColour(channels));
  return image ? found(image, 'image', 'a picture made of a picture') : null;
}

/** Whatever could be a mask, where somebody says that there is one. */
export function anyMask({ answers }: Clues): Found | null {
  const answer = answers.find(
    (a) => (a.isFloat && rankOf(a) === 4) || (a.isInteger && (rankOf(a) ?? 0) >= 3),
  );
  return answer ? found({ answer }, 'mask', 'a class for every place') : null;
}

export function anyImage({ answers }: Clues): Found | null {
  const answer = answers.find((a) => a.isFloat && (rankOf(a) ?? 0) >= 3);
  return answer ? found({ answer }, 'image', 'a picture') : null;
}
