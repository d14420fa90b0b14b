import { describe, expect, it } from 'vitest';
import { presetPreprocessing } from '../../../src/data/preprocess.ts';
import { preprocessingText } from '../../../src/judge/report/preprocessing-text.ts';

const port = { name: 'x', dtype: 'float32' as const, shape: [1, 3, 224, 224] };
const preset = (name: string) =>
  preprocessingText({ ...presetPreprocessing(name, port).spec, alpha: 'dropped' });

describe('preprocessing in words', () => {
  it('says what happens to a picture, in order', () => {
    expect(preset('imagenet')).toBe(
      'imagenet: shorter side to 256 (linear), centre 224×224 cut out, RGB, (x · 0.003922 − [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225] of pixels x, float32 NCHW',
    );
    expect(preset('caffe')).toContain('BGR, x − [103.939, 116.779, 123.68] of pixels x');
    expect(preset('none')).toBe('none: not resized, RGB, pixels of 0 to 255 as they are, float32 NCHW');
  });

  it('gives names and values of a spec that it does not know', () => {
    expect(preprocessingText({ resize: 'twice' })).toBe('resize "twice"');
    expect(preprocessingText(null)).toBe('none');
  });
});
