/** Labels of other classes than the model's: left alone where they were only found, refused where they were asked for; and what
 *  scores are called after training on other classes. */
import { describe, expect, it } from 'vitest';
import type { DataSource } from '../../src/data/source.ts';
import { fittingLabels, withFittingLabels } from '../../src/jobs/fitting-labels.ts';
import { nameTrainedClasses } from '../../src/jobs/steps/trained-classes.ts';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';
import { labelsOf, setLabels } from '../../src/model/ir/card.ts';

const model = (classes: number | string = 3) =>
  parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float["N",2] x) => (float["N",${typeof classes === 'number' ? classes : `"${classes}"`}] scores)
{ scores = Identity (x) }`);

const sourceOf = (labels: readonly number[], classes: readonly string[] | null = null): DataSource => ({
  ...{ name: 'photos/', kind: 'images', length: labels.length, labelled: true, classes, guessed: [] },
  ...{ preprocessing: null, hash: async () => '' },
  label: (i) => labels[i],
  read: async (i) => ({ id: String(i), inputs: {}, label: labels[i] }),
});

describe('labels that were found beside the data', () => {
  it('stay where the model has so many classes, or does not say how many', () => {
    const source = sourceOf([0, 2]);
    expect(fittingLabels(source, model(), false)).toBe(source);
    expect(fittingLabels(sourceOf([7]), model('C'), false).labelled).toBe(true);
  });

  it('are left alone where it has fewer, with the reason', async () => {
    const source = fittingLabels(sourceOf([0, 12]), model(), false);
    expect(source).toMatchObject({ labelled: false, classes: null });
    expect(source.labelsUnused).toBe('they go up to 12, and the model scores 3 classes (0 to 2)');
    expect(source.guessed).toContain(`labels not used: ${source.labelsUnused}`);
    expect(source.label?.(1)).toBeUndefined();
    expect(await source.read(1)).toEqual({ id: '1', inputs: {} });
  });

  it('are one source still where samples to compare on are of the same data', () => {
    const source = sourceOf([12, 0]);
    const prepared = { source, calibration: [0], training: [], held: { source, indices: [1] } };
    const fitted = withFittingLabels(prepared, model(), false);
    expect(fitted.held.source).toBe(fitted.source);
    expect(fitted).toMatchObject({
      calibration: [0],
      training: [],
      held: { indices: [1] },
      source: { labelled: false },
    });
  });

  it('are left alone where names in alphabetical order are not all of its classes', () => {
    const source = { ...sourceOf([0, 1], ['cat', 'dog']), classesInOrder: true };
    expect(fittingLabels(source, model(), false).labelsUnused).toBe(
      '2 classes are named, the model scores 3, and nothing says which number each has',
    );
    expect(fittingLabels(source, model(2), false)).toBe(source);
    expect(fittingLabels(source, model(), true)).toBe(source);
  });

  it('are left alone where the model names its classes otherwise', () => {
    const source = { ...sourceOf([0, 2], ['bird', 'cat', 'dog']), classesInOrder: true };
    const named = model();
    setLabels(named, ['rock', 'paper', 'scissors']);
    expect(fittingLabels(source, named, false)).toMatchObject({
      labelled: false,
      labelsUnused: 'the model names its classes, and these are others',
    });
    expect(fittingLabels(source, named, true)).toBe(source);
  });

  it('are refused where somebody asked for them', () =>
    expect(() => fittingLabels(sourceOf([0, 12]), model(), true)).toThrow(
      expect.objectContaining({ code: 'LABEL_RANGE' }),
    ));
});

describe('scores after training on the classes of the data', () => {
  it('are called as the data calls them, not as the original did', () => {
    const trained = model();
    setLabels(trained, ['rock', 'paper', 'scissors']);
    expect(nameTrainedClasses(trained, { name: 'fruit/', classes: ['apple', 'pear', 'plum'] })).toBeNull();
    expect(labelsOf(trained)).toEqual(['apple', 'pear', 'plum']);
  });

  it('keep their names where the data only numbers them, or names none', () => {
    const trained = model();
    setLabels(trained, ['rock', 'paper', 'scissors']);
    nameTrainedClasses(trained, { name: 'fruit/', classes: ['0', '1', '2'] });
    nameTrainedClasses(trained, { name: 'fruit/', classes: null });
    expect(labelsOf(trained)).toEqual(['rock', 'paper', 'scissors']);
  });

  it('are too many for fewer classes, which is said', () => {
    const trained = model(4);
    const doubt = nameTrainedClasses(trained, { name: 'fruit/', classes: ['apple', 'pear'] });
    expect(doubt).toBe(
      'The model scores 4 classes and fruit/ has 2: the first 2 scores were trained for them, and the others say nothing.',
    );
    expect(labelsOf(trained)).toEqual(['apple', 'pear', 'class 2', 'class 3']);
  });
});

describe('boxes and masks', () => {
  const source = { ...sourceOf([]), labelled: false, annotated: 'masks' } as const;

  it('are left alone where the model is for something else, with the reason, and refused where they were named', () => {
    const left = fittingLabels(source, model(), false);
    expect(left.annotated).toBeUndefined();
    expect(left.labelsUnused).toContain('classification');
    expect(() => fittingLabels(source, model(), true)).toThrow(
      expect.objectContaining({ code: 'TASK_UNLABELLED' }),
    );
  });

  it('stay where the model is for what they say, or somebody says that it is', () => {
    const masks = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[1,3,8,8] x) => (float[1,5,8,8] mask)
<float[5,3,1,1] w = {0,0,0,0,0,0,0,0,0,0,0,0,0,0,0}>
{ mask = Conv (x, w) }`);
    expect(fittingLabels(source, masks, true, 'segmentation')).toBe(source);
  });
});
