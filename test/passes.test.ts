/** Runs every fixture of fixtures/passes/<pass>/. UPDATE_FIXTURES=1 writes what came out as the expected model (the
 *  checks still run): read the diff before you commit it. */
import { readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { passFiles } from '../scripts/build-pass-index.ts';
import { loadPasses } from '../src/compress/compress.ts';
import { fillingFields } from '../src/compress/pipeline/option-fields.ts';
import { checkNeeds, type Pass, type PassContext, type PassResult } from '../src/compress/pipeline/pass.ts';
import { compressRequest } from '../src/compress/request.ts';
import type { Engine } from '../src/compute/engine/contract.ts';
import { openEngine } from '../src/compute/engine/open.ts';
import { parseModel, printModel } from '../src/model/formats/onnx-text/index.ts';
import { cloneModel } from '../src/model/ir/clone.ts';
import type { Model } from '../src/model/ir/model.ts';
import { verifyModel } from '../src/model/ir/verify.ts';
import { inferShapes } from '../src/model/ops/shapes.ts';
import { createRandom } from '../src/support/random.ts';
import { type Fixture, readFixture, withExpected } from './fixture.ts';
import { largestDifference, runModel, seededFeeds } from './run-model.ts';

const passes = await loadPasses();

const folder = fileURLToPath(new URL('../fixtures/passes/', import.meta.url));
const update = process.env['UPDATE_FIXTURES'] === '1';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

describe('the list of passes', () => {
  it('has each pass under the name of its file', () => {
    expect([...passes.keys()]).toEqual(passFiles());
  });

  it('has a pass for every folder of fixtures', () => {
    expect(readdirSync(folder).filter((name) => !passes.has(name))).toEqual([]);
  });
});

for (const [name, pass] of passes) {
  describe(name, () => {
    it('has a fixture for each thing that it does and leaves alone, three at least', () => {
      expect(fixturesOf(name).length).toBeGreaterThanOrEqual(3);
    });

    it('says in words what it did, if nothing else can tell', () => {
      if (pass.effect === 'exact') expect(pass.describe).toBeDefined();
    });

    it('fills its options from fields that a request has', () => {
      const known = [...Object.keys(compressRequest.shape), 'hasData', 'hasRealData', 'leastOpset'];
      expect(Object.values(fillingFields(pass)).filter((field) => !known.includes(field))).toEqual([]);
    });

    it('says that it needs calibration, if it asks for statistics', () => {
      if (pass.observe) expect(pass.needs).toBeDefined();
    });

    for (const file of fixturesOf(name)) {
      const path = `${folder}${name}/${file}`;
      const fixture = readFixture(path);
      it(`${file.slice(0, 2)} ${fixture.why}`, () => check(pass, fixture, path));
    }
  });
}

function fixturesOf(pass: string): string[] {
  try {
    return readdirSync(folder + pass)
      .filter((f) => f.endsWith('.onnx.txt'))
      .sort();
  } catch {
    return [];
  }
}

async function check(pass: Pass, fixture: Fixture, path: string): Promise<void> {
  const original = parseModel(fixture.model, path);
  verifyModel(original);
  // As in a recipe, where infer-shapes comes first; its own fixtures show the types.
  const showTypes = pass.name === 'infer-shapes' || pass.name === 'strip-inner-types';
  if (!showTypes) inferShapes(original);
  const print = (m: Model) => printModel(m, { valueInfo: showTypes });
  const before = print(original);
  const model = cloneModel(original);

  const { expected } = fixture;
  if (typeof expected === 'object' && expected.expect === 'error') {
    await expect(apply(pass, model, fixture)).rejects.toMatchObject({ code: expected.code });
    expect(print(model)).toBe(before);
    return;
  }
  const result = await apply(pass, model, fixture);
  verifyModel(model);
  const reasons = result.skipped.map((s) => s.reason);
  if (typeof expected === 'object') {
    expect(print(model)).toBe(before);
    expect(result.changed).toBe(0);
    expect(reasons.map((r) => r.split(':', 1)[0])).toEqual(expected.skip ? [expected.skip] : []);
  } else {
    if (update) writeFileSync(path, withExpected(path, print(model)));
    else expect(print(model)).toBe(print(parseModel(expected, path)));
    expect(result.changed).toBeGreaterThan(0);
    expect(reasons.map((r) => r.split(':', 1)[0])).toEqual(fixture.settings.$skip);
  }
  const after = print(model);
  expect((await apply(pass, model, fixture)).changed, 'changes on the second run').toBe(0);
  expect(print(model)).toBe(after);
  verifyModel(model);
  if (pass.effect === 'exact' && fixture.settings.$run) await compareRuns(pass, original, model, fixture);
}

async function apply(pass: Pass, model: Model, fixture: Fixture): Promise<PassResult> {
  const { $ranges, $shifts, $peaks, $target } = fixture.settings;
  const context: PassContext = {
    engine,
    statistics: {
      samples: Object.keys($ranges).length > 0 ? 1 : 0,
      range: (name) => $ranges[name] && { min: $ranges[name][0], max: $ranges[name][1] },
      peaks: (name) => $peaks[name] && Float32Array.from($peaks[name]),
      shift: (name) => $shifts[name] && Float32Array.from($shifts[name]),
    },
    clean: null,
    target: $target,
    random: createRandom(1),
  };
  const options = pass.options.parse(fixture.options);
  checkNeeds(pass, model, options, context);
  return pass.apply(model, options, context);
}

async function compareRuns(pass: Pass, original: Model, model: Model, fixture: Fixture): Promise<void> {
  const { $dims, $inputs, $integers } = fixture.settings;
  const feeds = seededFeeds(original, 7, { dims: $dims, inputs: $inputs, integers: $integers });
  const before = await runModel(engine, original, feeds);
  const after = await runModel(engine, model, feeds);
  expect(Object.keys(after)).toEqual(Object.keys(before));
  for (const [name, tensor] of Object.entries(before))
    expect(largestDifference(tensor, after[name]!).difference, `output ${name}`).toBeLessThanOrEqual(
      pass.tolerance ?? 0,
    );
}
