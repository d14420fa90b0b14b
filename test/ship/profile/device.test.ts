/** Browsers are skipped where none is found; EDGEPRESS_CHROMIUM names one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/parse-model.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';
import { browserKinds, candidatePaths, findBrowser } from '../../../src/ship/profile/browsers.ts';
import { deviceNames, parseDevice } from '../../../src/ship/profile/device.ts';
import { openDevice } from '../../../src/ship/profile/open-device.ts';
import { presetNames, presets } from '../../../src/ship/profile/presets.ts';
import { batchInputs, batchOf } from '../../../src/ship/profile/throughput.ts';
import { deviceContract } from './device-contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgepress-device-test-'));
const model = (batch: string) =>
  encodeModel(
    parseModel(`<ir_version: 8, opset_import: ["" : 13]>
m (float[${batch},4] x) => (float[${batch},4] y) <float[4] w = {1, 2, 3, 4}> { y = Mul(x, w) }`),
  );

beforeAll(() => {
  writeFileSync(join(folder, 'model.onnx'), model('n'));
  writeFileSync(join(folder, 'fixed.onnx'), model('2'));
  writeFileSync(join(folder, 'bad.onnx'), 'not a model');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const wasm = { provider: 'wasm', threads: 1 } as const;
const skip = !findBrowser('chromium');
deviceContract({ device: 'node', setting: { provider: 'cpu', threads: 1 }, memory: true }, () => folder);
deviceContract({ device: 'wasm', setting: wasm, memory: true }, () => folder);
deviceContract({ device: 'chromium', setting: wasm, memory: true, skip }, () => folder);

describe.skipIf(skip)('an emulated phone (skipped: no Chromium found)', () => {
  it('is labelled so in what it measures, and does not measure what the emulation leaves fast', async () => {
    const device = await openDevice('chromium:phone', ['wasm']);
    try {
      const subject = {
        name: 'model',
        parts: [{ name: 'm', role: 'model' as const, files: [{ path: join(folder, 'model.onnx') }] }],
        format: 'onnx' as const,
        providers: null,
        requires: [],
        sessionConfig: {},
        inputs: [{ name: 'x', shape: ['n', 4] }],
        feeds: { x: tensorOf('float32', [1, 4], [1, 2, 3, 4]) },
      };
      const { result } = await device.measure(subject, wasm, { maxRepetitions: 3, maxMs: 300 });
      expect(result).toMatchObject({ emulated: true, device: expect.stringMatching(/^phone emulated on/) });
      expect(device.title).toMatch(/emulated/);
      // 165 ms of the emulated network stand before the first byte.
      expect(result.downloadMs!).toBeGreaterThan(160);
      expect(device.refuses(subject, { provider: 'webgpu', threads: 1 })).toMatch(/real phone/);
      expect(device.refuses(subject, { provider: 'wasm', threads: 4 })).toMatch(/threads/);
    } finally {
      await device.close();
    }
  });
});

describe('names of devices', () => {
  it('are Node, browsers, and phones in browsers that can be slowed down', () => {
    expect(parseDevice('chromium:phone')).toEqual({ kind: 'chromium', preset: 'phone' });
    expect(parseDevice('firefox')).toEqual({ kind: 'firefox' });
    expect(deviceNames).not.toContain('firefox:phone');
    for (const name of deviceNames) expect(() => parseDevice(name)).not.toThrow();
  });

  it('list the valid ones when there is none of that name', () => {
    for (const name of ['safari', 'firefox:phone', 'node:phone', 'chromium:', ''])
      expect(() => parseDevice(name)).toThrow(/there are node, wasm, chromium/);
  });

  it('say what is installed when a browser is not', async () => {
    const missing = browserKinds.find((kind) => !findBrowser(kind));
    if (missing) await expect(openDevice(missing, [])).rejects.toMatchObject({ code: 'BROWSER_MISSING' });
  });
});

it('looks for a browser where the environment says first, then at the common places of each system', () => {
  const env = { EDGEPRESS_EDGE: '/opt/edge', PATH: '/a', PROGRAMFILES: 'C:\\Program Files' };
  expect(candidatePaths('edge', 'linux', env)[0]).toBe('/opt/edge');
  expect(candidatePaths('chromium', 'linux', env)).toContain('/a/chromium');
  expect(candidatePaths('chrome', 'darwin', env)[0]).toMatch(/^\/Applications\/Google Chrome\.app/);
  expect(candidatePaths('edge', 'win32', env)[1]).toMatch(/Edge\\Application\\msedge\.exe$/);
});

it('has presets that are slower than this machine and than one another', () => {
  const [phone, slow] = [presets.phone, presets['phone-slow']];
  expect(presetNames).toEqual(['phone', 'phone-slow']);
  expect(phone.cpuSlowdown).toBeGreaterThan(1);
  expect(slow.cpuSlowdown).toBeGreaterThan(phone.cpuSlowdown);
  expect(slow.network.downBytesPerSecond).toBeLessThan(phone.network.downBytesPerSecond);
});

describe('batches', () => {
  it('repeat the samples along the first dimension of the inputs that share it', () => {
    const inputs = [
      { name: 'a', shape: ['n', 2] },
      { name: 'b', shape: [3] },
      { name: 'c', shape: ['n'] },
    ];
    expect(batchInputs(inputs)).toEqual(['a', 'c']);
    expect(batchInputs([{ name: 'a', shape: [1, 2] }])).toEqual([]);
    const feed = { a: tensorOf('float32', [2, 2], [1, 2, 3, 4]), b: tensorOf('int64', [3], [7, 8, 9]) };
    const batch = batchOf(feed, ['a'], 3);
    expect(batch['a']).toMatchObject({ dims: [3, 2] });
    expect(new Float32Array(batch['a']!.bytes().slice().buffer)).toEqual(Float32Array.of(1, 2, 3, 4, 1, 2));
    expect(batch['b']).toBe(feed.b);
  });
});
