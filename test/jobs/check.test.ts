import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CheckOptions, check } from '../../src/jobs/check.ts';
import { checkReportSchema } from '../../src/judge/report/check-report.ts';
import type { Report } from '../../src/judge/report/report.ts';
import { encodeNpy } from '../../src/model/formats/npy.ts';
import { tensorOf } from '../../src/model/ir/tensor.ts';
import { sampleReport } from '../judge/report/sample.ts';

let folder: string;
const path = (name: string) => join(folder, name);
const write = (name: string, content: string | Uint8Array) => {
  writeFileSync(path(name), content);
  return path(name);
};

/** What a network makes of its scores of three classes, the first three of four inputs. */
const network = (body: string, output = 'y') =>
  `<ir_version: 8, opset_import: ["" : 17]> g (float[1,4] x) => (float[1,3] ${output}) {
    i = Constant <value_ints = [0, 1, 2]> () s = Gather <axis = 1> (x, i) ${body} }`;

/** The largest score is at 0, 1, 2, 0; three of the four labels say the same. */
const scores = [3, 1, 1, 0, 1, 3, 1, 0, 1, 1, 3, 0, 3, 1, 1, 0];
const labels = [0, 1, 2, 1];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-check-'));
  const x = encodeNpy(tensorOf('float32', [4, 4], scores));
  write('labelled.npz', zipSync({ 'x.npy': x, 'labels.npy': encodeNpy(tensorOf('int32', [4], labels)) }));
  write('plain.npz', zipSync({ 'x.npy': x }));
  write('original.onnx.txt', network('y = Identity (s)'));
  write('scaled.onnx.txt', network('c = Constant <value = float {0.9}> () y = Mul (s, c)'));
  write('turned.onnx.txt', network('y = Neg (s)'));
  write('broken.onnx.txt', network('c = Constant <value = float {0}> () y = Div (s, c)'));
  write('other.onnx.txt', network('z = Identity (s)', 'z'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function rowsOf(model: string, options: CheckOptions) {
  const { report } = await check(path(model), options);
  expect(checkReportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  expect(report.kept).toBe(report.rows.every(({ status }) => status === 'kept'));
  return report.rows;
}

const beside = (data: string): CheckOptions => ({ against: path('original.onnx.txt'), data: path(data) });

describe('the size of a result', () => {
  const bytes = () => statSync(path('scaled.onnx.txt')).size;

  it.each([
    [0, 'kept'],
    [-1, 'exceeded'],
  ])('with %i bytes to spare is %s', async (spare, status) => {
    const [row] = await rowsOf('scaled.onnx.txt', { maxSize: `${bytes() + spare}B` });
    expect(row).toMatchObject({ status, measured: { unit: 'bytes', value: bytes() }, base: null });
  });

  it('is a share of what the original has, and of what a report says', async () => {
    const original = statSync(path('original.onnx.txt')).size;
    const share = { unit: 'share', value: bytes() / original };
    const asked = { against: path('original.onnx.txt'), maxSize: '100%' };
    expect(await rowsOf('scaled.onnx.txt', asked)).toMatchObject([{ status: 'exceeded', measured: share }]);
    const report = sampleReport();
    write(
      'sized.report.json',
      JSON.stringify({ ...report, result: { ...report.result, sizeBytes: bytes() } }),
    );
    const again = { against: path('sized.report.json'), maxSize: '100%' };
    expect(await rowsOf('scaled.onnx.txt', again)).toMatchObject([
      { status: 'kept', measured: { value: 1 } },
    ]);
  });
});

describe('the quality of a result', () => {
  it('is accuracy in points where samples have labels', async () => {
    // 3 of 4 are right; of the negated scores none is largest where the label says, but for the last, where 1 and 2 are equal.
    const [row] = await rowsOf('turned.onnx.txt', { ...beside('labelled.npz'), maxDrop: 49 });
    expect(row).toMatchObject({ status: 'exceeded', subject: 'top-1 accuracy', base: { value: 0.75 } });
    expect(row).toMatchObject({ measured: { unit: 'points', value: 50 }, value: { value: 0.25 } });
    expect(await rowsOf('turned.onnx.txt', { ...beside('labelled.npz'), maxDrop: 50 })).toMatchObject([
      { status: 'kept' },
    ]);
  });

  it('is no more lost than answers have changed where they have none', async () => {
    const [row] = await rowsOf('turned.onnx.txt', { ...beside('plain.npz'), maxDrop: 99 });
    expect(row).toMatchObject({ status: 'exceeded', measure: 'same top-1', measured: { value: 100 } });
    expect(await rowsOf('scaled.onnx.txt', { ...beside('plain.npz'), maxDrop: 0 })).toMatchObject([
      { status: 'kept', measure: 'same top-1', measured: { value: 0 } },
    ]);
  });

  it('is agreement and SQNR where they have none', async () => {
    const asked = { ...beside('plain.npz'), minAgreement: 100 };
    // An error of a tenth is 20 dB.
    expect(await rowsOf('scaled.onnx.txt', { ...asked, minSqnr: 19.99 })).toMatchObject([
      { budget: 'minAgreement', status: 'kept', measured: { unit: 'share', value: 1 } },
      { budget: 'minSqnr', status: 'kept', measured: { unit: 'dB' } },
    ]);
    expect(await rowsOf('scaled.onnx.txt', { ...beside('plain.npz'), minSqnr: 20.01 })).toMatchObject([
      { status: 'exceeded' },
    ]);
    expect(await rowsOf('turned.onnx.txt', asked)).toMatchObject([
      { status: 'exceeded', measured: { value: 0 } },
    ]);
    expect(await rowsOf('original.onnx.txt', { ...beside('plain.npz'), minSqnr: 200 })).toMatchObject([
      { status: 'kept', measured: null, reason: null },
    ]);
  });

  it.each([
    ['accuracy on noise', 'scaled', 'synthetic', { maxDrop: 100 }],
    ['agreement on noise', 'scaled', 'synthetic', { minAgreement: 0 }],
    ['numbers that are not finite', 'broken', 'plain.npz', { minAgreement: 0, minSqnr: -100 }],
    ['an output that is missing', 'other', 'plain.npz', { minAgreement: 0, minSqnr: -100 }],
  ] as const)('that is %s is not kept, whatever was asked', async (_, model, data, budgets) => {
    const asked = { ...beside('plain.npz'), ...budgets, data: data === 'synthetic' ? data : path(data) };
    for (const row of await rowsOf(`${model}.onnx.txt`, asked)) {
      expect(row).toMatchObject({ status: 'not-measured', measured: null });
      expect(row.reason).not.toBeNull();
    }
  });
});

describe('the accuracy of an earlier result', () => {
  const accuracy = { name: 'top-1 accuracy', before: 1, after: 0.75, unit: 'fraction' } as const;
  const earlier = (change: Partial<NonNullable<Report['data']>> = {}, samples = 4) => {
    const { data, evaluation, ...rest } = sampleReport();
    const report: Report = {
      ...rest,
      data: { ...data!, source: 'labelled.npz (4 samples)', test: null, preprocessing: null, ...change },
      evaluation: {
        ...evaluation!,
        samples,
        metrics: [{ ...accuracy, higherIsBetter: true, interval: null }],
      },
    };
    return write('earlier.report.json', JSON.stringify(report));
  };
  const asked = (against: string) => ({ against, data: path('labelled.npz'), maxDrop: 0 });

  it('is what the result is held to, on the same samples', async () => {
    expect(await rowsOf('scaled.onnx.txt', asked(earlier()))).toMatchObject([
      { status: 'kept', base: { value: 0.75 }, value: { value: 0.75 } },
    ]);
    expect(await rowsOf('turned.onnx.txt', asked(earlier()))).toMatchObject([
      { status: 'exceeded', measured: { value: 50 } },
    ]);
  });

  it.each([
    ['other data', { test: 'test/ (4 images)' }, 4],
    ['a part of the data', {}, 2],
    ['other preprocessing', { preprocessing: { name: 'imagenet' } }, 4],
  ])('is no measure where it is of %s', async (_, change, samples) => {
    expect(await rowsOf('scaled.onnx.txt', asked(earlier(change, samples)))).toMatchObject([
      { status: 'not-measured' },
    ]);
  });

  it.each([
    ['another report', { schema: 'edgepress/bundle-report@1' }],
    ['a report that was changed', { schema: 'edgepress/report@1', result: {} }],
  ])('is refused from %s', async (_, content) => {
    const against = write('other.json', JSON.stringify(content));
    await expect(check(path('scaled.onnx.txt'), asked(against))).rejects.toMatchObject({
      code: 'REPORT_UNREADABLE',
    });
  });
});

describe('a check', () => {
  it.each<[string, CheckOptions, string]>([
    ['no budget', {}, 'NO_BUDGET'],
    ['a size without a unit', { maxSize: '4' }, 'INVALID_ARGUMENT'],
    ['a time for a size', { maxSize: '4ms' }, 'INVALID_ARGUMENT'],
    ['a share of nothing', { maxSize: '50%' }, 'OPTION_WITHOUT_EFFECT'],
    ['a drop from nothing', { maxDrop: 1, data: 'synthetic' }, 'OPTION_WITHOUT_EFFECT'],
    ['a drop on nothing', { maxDrop: 1, against: 'a.onnx' }, 'OPTION_WITHOUT_EFFECT'],
    ['data that nothing is measured on', { maxSize: '4MB', data: 'synthetic' }, 'OPTION_WITHOUT_EFFECT'],
  ])('with %s is refused', async (_, options, code) => {
    await expect(check(path('scaled.onnx.txt'), options)).rejects.toMatchObject({ code });
  });

  it('of outputs against a report, which has none, is refused', async () => {
    const against = write('sample.report.json', JSON.stringify(sampleReport()));
    await expect(
      check(path('scaled.onnx.txt'), { against, data: path('plain.npz'), minSqnr: 10 }),
    ).rejects.toMatchObject({ code: 'OPTION_WITHOUT_EFFECT' });
  });
});
