/** Messages about training a quantised model. */
import { Diagnostic } from '../diagnostics.ts';

export const qatSyntheticData = (): Diagnostic =>
  new Diagnostic(
    'QAT_DATA',
    'user',
    '--qat trains on the data that the model will meet; synthetic data would train it for noise.',
    'Pass --data <folder or .npz>; labels are not needed.',
  );

export const qatNothing = (target: string): Diagnostic =>
  new Diagnostic(
    'QAT_NOTHING',
    'user',
    `No layer computes in int8 on the target ${target}, so --qat has nothing to train.`,
    'Leave --qat out, or use int8 everywhere with --everywhere, or another --target.',
  );
