import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onnx } from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../../src/compress/compress.ts';
import type { Statistics } from '../../../src/compute/calibrate/statistics.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { type ByteRow, byteAccount } from '../../../src/judge/analyze/byte-account.ts';
import { recipeAccount } from '../../../src/judge/analyze/recipe-account.ts';
import { decodeModel, encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { Diagnostic } from '../../../src/support/diagnostics.ts';
import { readFixture } from '../../fixture.ts';
import { shippedModels } from '../../shipped-models.ts';
import { checkAccount } from './check-account.ts';

const folder = (name: string) => fileURLToPath(new URL(`../../../fixtures/${name}/`, import.meta.url));

const graph = (text: string, version = 17) =>
  parseModel(`<ir_version: 10, opset_import: ["" : ${version}, "com.microsoft" : 1, "acme" : 1]>\n${text}`);

const rowsOf = (model: Model) => byteAccount(model).rows;
const find = (model: Model, name: string): ByteRow => rowsOf(model).find((r) => r.names.includes(name))!;

describe('the account of a graph', () => {
  const model = graph(`
    g (float[N,4] x, int64[K] ids) => (float[N,3] y, float[K,2] e, float[N,3] o, string[1] s) <
      float[4,3] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
      float[3] b = {1, 2, 3},
      float[5,2] table = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
      int64[2] shape = {-1, 3},
      string[1] label = {"cat"},
      float[7] idle = {1, 2, 3, 4, 5, 6, 7},
      float[2] custom = {1, 2}
    > {
      h = Gemm(x, w, b)
      y = Reshape(h, shape)
      e = Gather(table, ids)
      o = acme.Blend(h, custom)
      s = Identity(label)
    }`);

  it('says what each constant is', () => {
    const role = (name: string) => find(model, name).role;
    expect(['w', 'b', 'table', 'shape', 'label', 'idle', 'custom'].map(role)).toEqual(
      ['weight', 'bias', 'weight', 'setting', 'text', 'unused', 'unknown'], // prettier-ignore
    );
  });

  it('names an operator that no table knows', () => {
    expect(find(model, 'custom')).toMatchObject({
      form: 'float',
      operators: { 'acme:Blend': 1 },
      reason: expect.stringContaining('acme:Blend'),
    });
  });

  it('counts what training_info holds, which inference does not read', () => {
    const raw = (values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
    const tensor = { dims: [3], dataType: 1, rawData: raw([1, 2, 3]) };
    const message = onnx.ModelProto.decode(encodeModel(model));
    message.trainingInfo = [
      onnx.TrainingInfoProto.create({
        initialization: { initializer: [{ ...tensor, name: 'start' }] },
        algorithm: {
          node: [
            { opType: 'Constant', output: ['rate'], attribute: [{ name: 'value', type: 4, t: tensor }] },
          ],
        },
      }),
    ];
    const file = onnx.ModelProto.encode(message).finish();
    const trained = decodeModel(file);
    checkAccount(byteAccount(trained), file);
    expect(find(trained, 'start')).toMatchObject({
      ...{ role: 'unused', names: ['start', 'rate'], bytes: 24 },
      reason: expect.stringContaining('training_info'),
    });
    checkAccount(byteAccount(trained), encodeModel(trained));
  });

  it('gives every constant one row, and all of their bytes', () => {
    checkAccount(byteAccount(model), encodeModel(model));
  });
});

describe('following a constant', () => {
  it('goes through Cast, scale, Transpose and Reshape to the product that reads it', () => {
    const model = graph(`
      g (float[N,4] x) => (float[N,3] y) <
        int8[3,4] q = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, float[3,1] scale = {0.1, 0.2, 0.3},
        int64[2] shape = {4, 3}
      > {
        f = Cast<to = 1>(q)
        m = Mul(f, scale)
        t = Transpose<perm = [1, 0]>(m)
        w = Reshape(t, shape)
        y = MatMul(x, w)
      }`);
    expect(find(model, 'q')).toMatchObject({ form: 'int8', role: 'weight', operators: { MatMul: 1 } });
    expect(find(model, 'scale').role).toBe('quantizer');
    expect(find(model, 'shape').role).toBe('setting');
  });

  it('goes into local functions and out of the branches of If', () => {
    const model = graph(`
      g (float[N,4] x, bool c) => (float[N,3] y) <float[4,3] outer = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}> {
        w = If(c) <
          then_branch = t () => (p) { p = Constant <value = float[4,3] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}> () },
          else_branch = e () => (r) { r = Neg(outer) }
        >
        h = MatMul(x, w)
        y = acme.twice(h, outer)
      }
      <domain: "acme", opset_import: ["" : 17]> twice (a, v) => (z) {
        k = Constant <value = float[3,4] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}> ()
        m = MatMul(a, k)
        z = MatMul(m, v)
      }`);
    expect(rowsOf(model)).toMatchObject([{ role: 'weight', constants: 3, operators: { MatMul: 3 } }]);
  });

  it('tells places in a table of shared values from the table', () => {
    const model = graph(`
      g (float[N,4] x) => (float[N,3] y) <
        float[2] palette = {0.5, 1}, uint8[4,3] places = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1}
      > {
        i = Cast<to = 6>(places)
        w = Gather(palette, i)
        y = MatMul(x, w)
      }`);
    expect(find(model, 'places').form).toBe('palette');
    expect(find(model, 'palette').role).toBe('table');
  });

  it('takes the scales of rows looked up in integers for what they are', () => {
    const model = graph(`
      g (int64[K] ids) => (float[K,2] y) <
        int8[5,2] table = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, float[5,1] scale = {1, 2, 3, 4, 5}
      > {
        r = Gather(table, ids)
        f = Cast<to = 1>(r)
        s = Gather(scale, ids)
        y = Mul(f, s)
      }`);
    expect(find(model, 'table')).toMatchObject({ form: 'int8', role: 'weight' });
    expect(find(model, 'scale').role).toBe('quantizer');
  });
});

describe('every byte of', async () => {
  const engine = await openEngine();
  const modes = ['int8-static', 'int8-dynamic', 'q4', 'float16'] as const;
  const statistics: Statistics = { samples: 1, range: () => ({ min: -4, max: 4 }) };
  const calibrate = async () => statistics;
  const refused: string[] = [];

  async function check(model: Model, name: string): Promise<void> {
    checkAccount(byteAccount(model), encodeModel(model));
    for (const mode of modes) {
      const recipe = preset(mode);
      const made = await compressModel(model, { recipe, engine, calibrate }).catch((error: unknown) => {
        if (!(error instanceof Diagnostic)) throw error;
        refused.push(`${name} ${mode}: ${error.code}`);
        return null;
      });
      if (made) checkAccount(await recipeAccount(made.model, recipe, made.journal), encodeModel(made.model));
    }
  }

  it.each(shippedModels)(
    '%s has a row, as it is and in static and dynamic int8, 4 bits and float16',
    async (name) => {
      await check(decodeModel(readFileSync(folder('models') + name), { name }), name);
    },
  );

  it('the shipped models is compressed in every mode: none is refused', () => {
    expect(refused).toEqual([]);
  });

  it('the graphs of the pass fixtures has one too', async () => {
    const root = folder('passes');
    const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((p) => p.endsWith('.txt'));
    expect(paths.length).toBeGreaterThan(200);
    for (const path of paths) {
      const { model, expected } = readFixture(root + path);
      checkAccount(byteAccount(parseModel(model)), encodeModel(parseModel(model)));
      if (typeof expected === 'string')
        checkAccount(byteAccount(parseModel(expected)), encodeModel(parseModel(expected)));
    }
  });
});
