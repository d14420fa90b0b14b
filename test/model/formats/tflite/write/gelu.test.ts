/** GELU written out by exporters comes to one operator, with onnxruntime's results. */
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { parseModel } from '../../../../../src/model/formats/onnx-text/index.ts';
import { writeTflite } from '../../../../../src/model/formats/tflite/write/write.ts';
import { hasLitert, litertTitle, runTflite } from '../../../../litert.ts';
import { runModel, seededFeeds } from '../../../../run-model.ts';
import { errorOf } from './run-written.ts';
import { readTables } from './tables.ts';

const model = (body: string) =>
  parseModel(`<
  ir_version: 8,
  opset_import: ["": 17]
>
g (float[2, 8] x) => (float[2, 8] y)
<float half = {0.5}, float one = {1}, float root = {1.4142135}, float inverse = {0.70710677}>
{
${body}
}
`);

const sum = 'd = Div(x, root)\n e = Erf(d)\n s = Add(e, one)';

const forms = {
  'x · sum, then a half': `${sum}\n p = Mul(x, s)\n y = Mul(p, half)`,
  'a half · x, then the sum': `h = Mul(x, half)\n ${sum}\n y = Mul(h, s)`,
  'a half · sum, then x': `${sum}\n p = Mul(half, s)\n y = Mul(x, p)`,
  'times 1/√2, one in front':
    'd = Mul(x, inverse)\n e = Erf(d)\n s = Add(one, e)\n p = Mul(s, x)\n y = Mul(p, half)',
};

const ops = (text: string) => readTables(writeTflite(model(text))).operators.map(({ op }) => op);

describe('GELU written out', () => {
  it.each(Object.entries(forms))('is one operator: %s', (_, text) => {
    expect(ops(text)).toEqual(['GELU']);
  });

  it('stays where the factor is another', () => {
    expect(ops(`${sum}\n p = Mul(x, s)\n y = Mul(p, root)`).length).toBeGreaterThan(1);
  });

  it.skipIf(!hasLitert).each(Object.entries(forms))(
    `gives onnxruntime's results ${litertTitle}: %s`,
    async (_, text) => {
      const feeds = seededFeeds(model(text), 1);
      const expected = await runModel(await openEngine('node'), model(text), feeds);
      expect(errorOf(expected, runTflite(writeTflite(model(text)), feeds))).toBeLessThan(1e-5);
    },
  );
});
