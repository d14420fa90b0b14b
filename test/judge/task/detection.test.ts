import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../src/compute/engine/open.ts';
import type { DataSource } from '../../../src/data/source.ts';
import { outOfBudget } from '../../../src/jobs/bundle-budget.ts';
import { runPair } from '../../../src/jobs/run-pair.ts';
import {
  averagePrecision,
  cocoOverlaps,
  type Found,
} from '../../../src/judge/task/boxes/average-precision.ts';
import { type Box, suppressed } from '../../../src/judge/task/boxes/box.ts';
import { boxReader } from '../../../src/judge/task/boxes/read-boxes.ts';
import { openMeter } from '../../../src/judge/task/measures-of.ts';
import { recogniseTask } from '../../../src/judge/task/recognise.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { openedFromModel } from '../../../src/model/formats/opened.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';
import { sampleReport } from '../report/sample.ts';

const floats = (dims: readonly number[], values: ArrayLike<number>) => tensorOf('float32', dims, values);

const box = (left: number, top: number, width: number, height: number, label = 0, score = 1): Box => ({
  ...{ left, top, right: left + width, bottom: top + height },
  ...{ label, score, place: null },
});

describe('averagePrecision', () => {
  /** Boxes of eight pictures that nobody chose: numbers from 0 to m − 1 by a formula, so that another program can make them. */
  const h = (i: number, m: number) => ((i * 7919 + 104729) % 10007) % m;
  const samples: Found[] = Array.from({ length: 8 }, (_, picture) => {
    const [truth, boxes]: [Box[], Box[]] = [[], []];
    for (let k = 0; k < 6; k++) {
      const i = picture * 6 + k;
      const [x, y] = [h(i, 60) + (k % 3) * 100, h(i + 500, 60) + Math.floor(k / 3) * 100];
      const [w, height, label] = [20 + h(i + 1000, 40), 20 + h(i + 1500, 40), k % 2];
      truth.push(box(x, y, w, height, label));
      const score = (at: number) => (h(i + at, 97) + 1) / 98;
      if (h(i + 2000, 10) > 0) {
        const [dx, dy, wider] = [h(i + 2500, 9) - 4, h(i + 3000, 9) - 4, h(i + 3500, 7) - 3];
        boxes.push(box(x + dx, y + dy, w + wider, height, label, score(4000)));
      }
      if (h(i + 4500, 3) === 0) boxes.push(box(x + 30, y + 5, w, height, 1 - label, score(5000)));
    }
    return { truth, boxes };
  });

  it('is what pycocotools 2.0.11 says of 60 boxes against 48 (COCOeval, bbox: stats 0, 1 and 2)', () => {
    expect(averagePrecision(samples, 0.5)).toBeCloseTo(0.7016706498236029, 9);
    expect(averagePrecision(samples, 0.75)).toBeCloseTo(0.3678194100757545, 9);
    const all = cocoOverlaps.map((overlap) => averagePrecision(samples, overlap)!);
    expect(all.reduce((a, b) => a + b, 0) / all.length).toBeCloseTo(0.36647047148679407, 9);
  });

  it('is what pycocotools says where every sixth box is a crowd with a find inside of it', () => {
    const crowded = samples.map(({ truth, boxes }, picture): Found => {
      const [crowd, i] = [truth[5]!, picture * 6 + 5];
      const [w, height] = [crowd.right - crowd.left, crowd.bottom - crowd.top].map((n) => Math.floor(n / 2));
      const score = (h(i + 6000, 97) + 1) / 98;
      const inside = box(crowd.left + 4, crowd.top + 4, w!, height!, crowd.label, score);
      return { truth: truth.slice(0, 5), ignored: [crowd], boxes: [...boxes, inside] };
    });
    expect(averagePrecision(crowded, 0.5)).toBeCloseTo(0.6634323432343233, 9);
    expect(averagePrecision(crowded, 0.75)).toBeCloseTo(0.33861512467036176, 9);
    const all = cocoOverlaps.map((overlap) => averagePrecision(crowded, overlap)!);
    expect(all.reduce((a, b) => a + b, 0) / all.length).toBeCloseTo(0.347903242319605, 9);
  });

  it('says nothing where there is no box to find', () => {
    expect(averagePrecision([{ truth: [], boxes: [box(0, 0, 1, 1)] }], 0.5)).toBeNull();
  });
});

it('keeps the surest of boxes of one class that overlap, and those of other classes', () => {
  const [sure, near, other, apart] = [
    box(0, 0, 10, 10, 0, 0.9),
    box(1, 0, 10, 10, 0, 0.8),
    box(0, 0, 10, 10, 1, 0.7),
    box(8, 8, 10, 10, 0, 0.6),
  ];
  expect(suppressed([apart, near, other, sure])).toEqual([sure, other, apart]);
});

describe('boxes are read off', () => {
  const at = (outputs: Parameters<typeof boxReader>[0], least = 0.5) =>
    boxReader(outputs, { height: 64, width: 64 })!(outputs, least).map(
      ({ left, top, right, bottom, label, score, place }) => ({
        corners: [left, top, right, bottom].map((x) => Number(x.toFixed(4))),
        ...{ label, score: Number(score.toFixed(4)), place },
      }),
    );
  /** 84 = 8² + 4² + 2² places of a picture of 64 × 64. */
  const places = 84;
  const rows = (row: (place: number) => readonly number[]) =>
    Array.from({ length: places }, (_, i) => row(i));

  it('corners beside scores with a background', () => {
    const boxes = rows((i) => [0.01 * i, 0.1, 0.01 * i + 0.2, 0.4]).flat();
    const scores = rows((i) => (i === 7 ? [0.2, 0.8] : [0.99, 0.01])).flat();
    const found = at({ boxes: floats([1, places, 4], boxes), scores: floats([1, places, 2], scores) });
    expect(found).toEqual([{ corners: [0.07, 0.1, 0.27, 0.4], label: 1, score: 0.8, place: null }]);
  });

  it('centres and sizes in the columns of a YOLO of the eighth version', () => {
    const table = rows((i) => [10 + i / 2, 20, 8, 4, i === 3 ? 0.75 : 0.01, 0.02]);
    const turned = Array.from({ length: 6 }, (_, c) => table.map((row) => row[c]!)).flat();
    expect(at({ y: floats([1, 6, places], turned) })).toEqual([
      { corners: [7.5, 18, 15.5, 22], label: 0, score: 0.75, place: null },
    ]);
  });

  it('rows of a YOLO of the fifth version, where a class is as sure as class times object', () => {
    const three = Array.from({ length: 3 }, () =>
      rows((i) => [10 + i / 2, 20, 8, 4, i === 3 ? 0.8 : 0.01, 0.1, 0.9]),
    ).flat();
    const found = at({ y: floats([1, 3 * places, 7], three.flat()) });
    expect(found).toHaveLength(3);
    expect(found[0]).toEqual({ corners: [7.5, 18, 15.5, 22], label: 1, score: 0.72, place: null });
  });

  it('offsets from places that nobody tells, each to be compared with its own', () => {
    const boxes = rows((i) => [i % 2 ? 1 : -1, 0.5, i % 3 ? -1 : 1, 0]).flat();
    const scores = rows((i) => [i === 11 ? 3 : -5]).flat();
    const found = at({ boxes: floats([1, places, 4], boxes), scores: floats([1, places, 1], scores) });
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ place: 11, label: 0, score: 0.9526 });
  });

  it('boxes that were chosen, as far as they count, and rows of such', () => {
    const found = at({
      boxes: floats([1, 3, 4], [1, 1, 5, 5, 2, 2, 9, 9, 0, 0, 0, 0]),
      scores: floats([1, 3], [0.9, 0.6, 0]),
      classes: floats([1, 3], [2, 4, 0]),
      num_detections: floats([1], [2]),
    });
    expect(found.map(({ label, score }) => [label, score])).toEqual([
      [2, 0.9],
      [4, 0.6],
    ]);
    const row = at({ y: floats([1, 2, 6], [1, 1, 5, 5, 0.9, 2, 0, 0, 0, 0, 0, 0]) });
    expect(row).toEqual([{ corners: [1, 1, 5, 5], label: 2, score: 0.9, place: null }]);
  });
});

/** Finds what is bright: 300 places side by side, scores of five classes each, of which the first is as sure as its pixel is bright. */
const detector = (first: string) =>
  openedFromModel(
    parseModel(`<ir_version: 8, opset_import: ["" : 17]>
      g (float[1,3,20,15] picture) => (float[1,300,5] scores, float[1,300,4] boxes)
      <float[1,300,4] places = {${Array.from({ length: 300 }, (_, i) => [i / 300, 0, i / 300 + 0.2, 1].join(',')).join(',')}},
       int64[3] rows = {1,300,1}, float[1,1,4] others = {-4,-4.1,-4.2,-4.3}, float[1] zero = {0}>
      { grey = ReduceMean <axes=[1]> (picture)
        bright = Reshape (grey, rows)
        nothing = Mul (bright, zero)
        rest = Add (nothing, others)
        ${first}
        logits = Concat <axis=2> (first, rest)
        scores = Sigmoid (logits)
        boxes = Add (places, nothing) }`),
    'detector.onnx',
  );

/** Bright at one place; elsewhere the first class is a hair less sure than the second. */
const source: DataSource = {
  ...{ name: 'pictures', kind: 'npz', length: 4, labelled: false, classes: null, guessed: [] },
  ...{ preprocessing: null, hash: async () => '' },
  read: async (i) => {
    const pixel = (j: number) => (j % 300 === 40 * (i + 1) ? 2 : -4.01);
    const picture = floats(
      [1, 3, 20, 15],
      Array.from({ length: 900 }, (_, j) => pixel(j)),
    );
    return { id: `${i}`, inputs: { picture } };
  },
};

describe('a detector whose places without anything are hardly decided', () => {
  // A shift of 0.02 changes which class is the surest of nothing at 299 places, and no box.
  const before = detector('first = Identity (bright)');
  const after = detector('shift = Constant <value = float[1] {0.02}> () first = Add (bright, shift)');

  it('is judged by its boxes, not by the largest score of rows that nobody reads', async () => {
    const options = { engine: await openEngine(), source, indices: [0, 1, 2, 3] };
    const task = recogniseTask(before.model);
    const { compare, evaluation } = await runPair({ model: before }, { model: after }, { ...options, task });
    expect(compare.outputs.map((o) => o.top1Agreement)).toEqual([null, null]);
    expect(compare.measures!.slice(0, 1)).toMatchObject([{ id: 'map-50', value: 1 }]);
    expect(compare.measures!.at(-1)).toMatchObject({ id: 'boxes-matched', value: 1 });
    const report = sampleReport({ task, compare, evaluation });
    expect(report.verdict.headline).toContain("finds the original's boxes with mAP@0.5 100.0 % on 4 images");
    expect(report.verdict.warnings.filter(({ level }) => level === 'bad')).toEqual([]);
    const found = {
      task,
      outputs: compare.outputs.map((o) => ({ ...o, nonFinite: 0, maxAbsError: o.maxAbsError! })),
      measures: compare.measures!,
    };
    expect(outOfBudget(found, { source, indices: [] }, { minAgreement: null, minSqnrDb: 10 })).toBeNull();
  });

  it('is bad, and not published, where it finds other boxes', async () => {
    const blind = detector('first = Neg (bright)');
    const options = { engine: await openEngine(), source, indices: [0, 1, 2, 3] };
    const task = recogniseTask(before.model);
    const { compare, evaluation } = await runPair({ model: before }, { model: blind }, { ...options, task });
    expect(compare.measures![0]!.id).toBe('map-50');
    expect(compare.measures![0]!.value).toBeLessThan(0.5);
    expect(compare.disagreements[0]).toMatchObject({
      before: '1 box',
      after: expect.stringMatching(/boxes, \d where they were$/),
    });
    expect(sampleReport({ task, compare, evaluation }).verdict.level).toBe('bad');
    const found = { task, outputs: [], measures: compare.measures! };
    expect(outOfBudget(found, { source, indices: [] }, { minAgreement: null, minSqnrDb: 10 })).toMatch(
      /^mAP@0\.5 \d+\.\d %, at least 85\.0 % asked$/,
    );
  });
});

it('says nothing of boxes where neither finds any', () => {
  const outputs = [{ name: 'y', role: 'detections' as const }];
  const task = { name: 'detection', by: 'outputs', evidence: '', outputs } as const;
  const meter = openMeter({ task, inputs: [], outputs: [] })!;
  const none = floats([1, 2, 6], [0, 0, 1, 1, 0.1, 0, 0, 0, 2, 2, 0.1, 0]);
  meter.add({ y: none }, { y: none }, { inputs: {} });
  expect(meter.result().every(({ value }) => value === null)).toBe(true);
});

describe('maps of a YOLO before its last step', () => {
  const picture = { height: 64, width: 64 };
  const logit = (p: number) => Math.log(p / (1 - p));
  const sides = [8, 4, 2];

  /** One box in the second cell of the second row of the middle grid, at its third anchor (59×119); two classes. */
  const maps = (isRows: boolean, numbers: readonly number[]) =>
    Object.fromEntries(
      sides.map((side, grid) => {
        const values = new Float32Array(3 * 7 * side * side).fill(-12);
        const at = (c: number) =>
          isRows ? ((2 * side + 1) * side + 1) * 7 + c : ((2 * 7 + c) * side + 1) * side + 1;
        if (grid === 1) for (const [c, value] of numbers.entries()) values[at(c)] = value;
        return [`m${grid}`, floats(isRows ? [1, 3, side, side, 7] : [1, 21, side, side], values)];
      }),
    );

  it('lie where YOLOv5 lays them: (2σ − ½ + cell)·stride, (2σ)²·anchor', () => {
    const half = logit(0.5);
    const outputs = maps(true, [half, half, half, half, logit(0.9), logit(0.1), logit(0.8)]);
    const [found, ...others] = boxReader(outputs, picture)!(outputs, 0.5);
    expect(others).toEqual([]);
    // Centre (1.5 · 16, 1.5 · 16), as large as its anchor.
    expect(found).toMatchObject({ label: 1, place: null });
    expect(found!.score).toBeCloseTo(0.72, 5);
    expect(found!.left).toBeCloseTo(24 - 59 / 2, 4);
    expect(found!.bottom).toBeCloseTo(24 + 119 / 2, 4);
  });

  it('lie where YOLOv3 lays them: (σ + cell)·stride, exp·anchor', () => {
    const outputs = maps(false, [logit(0.25), 0, Math.log(0.5), Math.log(2), 9, 9, -9]);
    const [found] = boxReader(outputs, picture)!(outputs, 0.5);
    expect(found!.label).toBe(0);
    expect([found!.left, found!.right]).toEqual([
      expect.closeTo(1.25 * 16 - 59 / 4, 4),
      expect.closeTo(1.25 * 16 + 59 / 4, 4),
    ]);
    expect(found!.bottom - found!.top).toBeCloseTo(238, 3);
  });

  it('are no boxes where strides or boxes a cell are others', () => {
    const odd = {
      a: floats([1, 21, 7, 7], new Float32Array(21 * 49)),
      b: floats([1, 21, 3, 3], new Float32Array(189)),
    };
    expect(boxReader(odd, picture)).toBeNull();
  });
});
