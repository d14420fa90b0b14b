/** The lab around its server: how it ends, what it saves, what it refuses to start with. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type LabRequest, type OpenLab, runLab } from '../../../src/jobs/lab.ts';
import { bundleReport } from '../../../src/judge/report/build-bundle-report.ts';
import { labResultsIn } from '../../../src/judge/report/bundle-report-files.ts';
import { manifestSchema } from '../../../src/ship/emit/manifest.ts';
import { reversePort } from '../../../src/ship/lab/adb.ts';
import { readManifest } from '../../../src/ship/lab/bundle.ts';
import { createCertificate } from '../../../src/ship/lab/certificate.ts';
import type { JoinReply } from '../../../src/ship/lab/messages.ts';
import { lanAddresses } from '../../../src/ship/lab/network.ts';
import { hostName, modelName } from '../../../src/ship/lab/page/device-name.ts';
import { createFeeds } from '../../../src/ship/lab/page/feeds.ts';
import { planRuns } from '../../../src/ship/lab/page/plan.ts';
import {
  deviceResult,
  type LabDeviceResult,
  mergeMeasured,
  saveResults,
} from '../../../src/ship/lab/results.ts';
import { writeBundle } from './bundle.ts';
import { facts, measured, run } from './device.ts';

const bundles: string[] = [];
const bundle = () => {
  const made = writeBundle();
  bundles.push(made.folder);
  return made;
};
afterEach(() => {
  for (const folder of bundles.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const request = (folder: string, more: Partial<LabRequest> = {}): LabRequest => ({
  bundle: folder,
  ...{ port: 0, lan: false, https: false, idleMs: 60_000, once: false },
  ...more,
});

/** Joins as a page would. */
async function client(lab: OpenLab) {
  const { origin, hash } = new URL(lab.urls[0]!);
  const post = (path: string, body: unknown, session = '') =>
    fetch(origin + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin, authorization: `Bearer ${session}` },
      body: JSON.stringify(body),
    });
  const joined = await post('/api/join', { token: hash.slice(1), session: null, device: facts });
  const { session } = (await joined.json()) as JoinReply;
  return { send: (message: unknown) => post('/api/message', message, session) };
}

describe('a lab', () => {
  it('ends by itself when nothing happens, and writes nothing then', async () => {
    const { folder } = bundle();
    const before = readFileSync(join(folder, 'edgepress.json'), 'utf8');
    const summary = await runLab(request(folder, { idleMs: 50 }));
    expect(summary).toEqual({ end: 'idle', devices: [], files: [] });
    expect(existsSync(join(folder, 'lab-results.json'))).toBe(false);
    expect(readFileSync(join(folder, 'edgepress.json'), 'utf8')).toBe(before);
  });

  it('is not kept alive by strangers', async () => {
    const { folder } = bundle();
    let asking: ReturnType<typeof setInterval> | undefined;
    const summary = await runLab(
      request(folder, {
        idleMs: 300,
        onOpen({ urls }) {
          const { origin } = new URL(urls[0]!);
          asking = setInterval(() => void fetch(origin).catch(() => {}), 50);
        },
      }),
    );
    clearInterval(asking);
    expect(summary.end).toBe('idle');
  });

  it('saves what an unfinished device has sent when it is interrupted', async () => {
    const { folder } = bundle();
    const stop = new AbortController();
    const summary = await runLab(
      request(folder, {
        signal: stop.signal,
        async onOpen(lab) {
          const { send } = await client(lab);
          await send({ type: 'plan', runs: [run, { ...run, threads: 4 }], left: [] });
          await send({ type: 'result', run, outcome: measured });
          stop.abort();
        },
      }),
    );
    expect(summary.end).toBe('interrupted');
    expect(summary.devices[0]).toMatchObject({ finishedAt: null, runs: [{ measured: { medianMs: 3 } }] });
    const manifest = manifestSchema.parse(JSON.parse(readFileSync(join(folder, 'edgepress.json'), 'utf8')));
    expect(manifest.variants[0]!.measured).toMatchObject([
      { device: facts.name, host: facts.host, provider: 'wasm', threads: 1, medianMs: 3, emulated: false },
    ]);
  });

  it('is in the report of its bundle: what was measured, what failed, and what a device left out', async () => {
    const { folder } = bundle();
    const fourThreads = { ...run, threads: 4 };
    const left = [{ variant: 'float', what: 'webgpu', reason: 'this browser does not offer it' }];
    await runLab(
      request(folder, {
        once: true,
        async onOpen(lab) {
          const { send } = await client(lab);
          await send({ type: 'plan', runs: [run, fourThreads], left });
          await send({ type: 'result', run, outcome: measured });
          await send({ type: 'result', run: fourThreads, outcome: { kind: 'failed', message: 'no memory' } });
          await send({ type: 'finish' });
        },
      }),
    );
    const manifest = readManifest(join(folder, 'edgepress.json'));
    const report = bundleReport({ command: 'compress lab', manifest, lab: labResultsIn(folder) });
    expect(report.devices).toHaveLength(1);
    expect(report.devices[0]).toMatchObject({ device: facts.name, host: facts.host, emulated: false });
    expect(report.devices[0]!.runs).toMatchObject([
      { threads: 1, measured: { medianMs: 3, repetitions: 3 }, reason: null },
      { threads: 4, measured: null, reason: 'no memory' },
      { provider: null, measured: null, reason: 'webgpu: this browser does not offer it' },
    ]);
    // Another file under the same name: what failed was not this one.
    const variants = manifest.variants.map((v) => ({
      ...v,
      measured: [],
      parts: [{ ...v.parts[0]!, sha256: 'f' }],
    }));
    const second = bundleReport({
      command: '',
      manifest: { ...manifest, variants },
      lab: labResultsIn(folder),
    });
    expect(second.devices[0]!.runs).toMatchObject([{ reason: 'webgpu: this browser does not offer it' }]);
  });

  it('refuses to start where there is no bundle, on a port that is taken, or over a foreign file', async () => {
    const { folder } = bundle();
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    await expect(runLab(request(folder, { port }))).rejects.toMatchObject({ code: 'LAB_PORT' });
    other.close();
    await expect(runLab(request(join(folder, 'onnx')))).rejects.toMatchObject({ code: 'BUNDLE_NOT_FOUND' });
    writeFileSync(join(folder, 'lab-results.json'), '{"mine":true}');
    await expect(runLab(request(folder))).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
    expect(readFileSync(join(folder, 'lab-results.json'), 'utf8')).toBe('{"mine":true}');
    writeFileSync(join(folder, 'edgepress.json'), '{}');
    await expect(runLab(request(folder))).rejects.toMatchObject({ code: 'BUNDLE_UNREADABLE' });
  });
});

describe('results', () => {
  const device = (manifest: Parameters<typeof mergeMeasured>[0], samplesMs: number[], name = facts.name) =>
    deviceResult(
      {
        id: 1,
        joinedAt: '2026-01-01T00:00:00.000Z',
        facts: { ...facts, name },
        plan: [run],
        left: [],
        done: new Map([['float/wasm/1', { run, outcome: { ...measured, samplesMs } }]]),
        current: null,
        finishedAt: '2026-01-01T00:01:00.000Z',
      },
      manifest,
      'onnxruntime-web 1.30.0',
    );
  const medians = (manifest: Parameters<typeof mergeMeasured>[0]) =>
    manifest.variants[0]!.measured.map((m) => [m.device, m.medianMs]);

  it('of the same device replace what was there; those of others stay', () => {
    const { manifest } = bundle();
    const first = mergeMeasured(manifest, [device(manifest, [5]), device(manifest, [9], 'iPhone')]);
    const second = mergeMeasured(first, [device(manifest, [4])]);
    expect(medians(second)).toEqual([
      ['iPhone', 9],
      [facts.name, 4],
    ]);
  });

  it('below the step of the clock are not a figure', () => {
    const { manifest } = bundle();
    const result = device(manifest, [0, 0, 1]);
    expect(result.runs[0]!.measured!.medianMs).toBeNull();
    expect(medians(mergeMeasured(manifest, [result]))).toEqual([]);
  });

  it('of a variant that has changed since are kept out of the manifest', () => {
    const { manifest } = bundle();
    const stale: LabDeviceResult = device(manifest, [5]);
    const changed = structuredClone(manifest);
    changed.variants[0]!.parts[0]!.sha256 = '0'.repeat(64);
    expect(medians(mergeMeasured(changed, [stale]))).toEqual([]);
  });

  it('of earlier labs stay in lab-results.json', () => {
    const { folder, manifest } = bundle();
    const one = device(manifest, [5], 'one');
    saveResults(folder, manifest.name, [one], [device(manifest, [6], 'two')]);
    const saved = JSON.parse(readFileSync(join(folder, 'lab-results.json'), 'utf8')) as {
      devices: LabDeviceResult[];
    };
    expect(saved.devices.map((d) => d.name)).toEqual(['one', 'two']);
  });
});

describe('the plan of a device', () => {
  const { manifest } = bundle();
  const variant = manifest.variants[0]!;
  const plan = (change: Partial<typeof variant>, device: Partial<typeof facts>) => {
    const { runs, left } = planRuns({ variants: [{ ...variant, ...change }] }, { ...facts, ...device });
    return { runs: runs.map((r) => `${r.provider} ${r.threads}`), left: left.map((l) => l.reason) };
  };

  it('has every provider that is there, wasm with one thread and with several', () => {
    expect(plan({}, { adapter: 'a gpu' })).toEqual({ runs: ['webgpu 1', 'wasm 1', 'wasm 4'], left: [] });
  });

  it('has one thread and no WebGPU outside a secure context, and says why', () => {
    const insecure = { secureContext: false, crossOriginIsolated: false };
    expect(plan({}, insecure)).toEqual({ runs: ['wasm 1'], left: ['WebGPU needs a secure context.'] });
  });

  it('leaves out what the graphics adapter or the browser can not do', () => {
    const f16 = plan({ providers: ['webgpu'], requires: ['webgpu', 'shader-f16'] }, { adapter: 'a gpu' });
    expect(f16).toEqual({ runs: [], left: ['The graphics adapter has no shader-f16.'] });
    const app = plan({ providers: ['cpu'], format: 'ort' }, {});
    expect(app).toEqual({ runs: [], left: ['It is made for apps, not for web pages.'] });
  });

  it('feeds open dimensions with 1, and a picture with the size of its preprocessing', () => {
    const inputs = [{ name: 'image', dtype: 'float32', shape: ['n', 3, null, 'w'] }];
    const spec = { crop: { width: 20, height: 10 }, layout: 'NCHW' };
    expect(createFeeds({ inputs, preprocessing: spec })['image']!.dims).toEqual([1, 3, 10, 20]);
    expect(createFeeds({ inputs, preprocessing: null })['image']!.dims).toEqual([1, 3, 1, 1]);
  });
});

describe('names', () => {
  const chrome =
    'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36';
  const iphone =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 Version/18.2 Mobile/15E148 Safari/604.1';

  it('of devices come from hints where the browser gives them', () => {
    expect(modelName(chrome, { model: 'Pixel 9', platformVersion: '16.0.0' })).toBe('Pixel 9 · Android 16');
    expect(modelName(chrome)).toBe('Android device · Android 10');
    expect(modelName(iphone)).toBe('iPhone · iOS 18.2');
  });

  it('of browsers tell those apart that call themselves each other', () => {
    expect(hostName(chrome)).toBe('Chrome 140');
    expect(hostName(`${chrome} EdgA/141.0`)).toBe('Edge 141');
    expect(hostName(iphone)).toBe('Safari 18.2');
  });
});

describe('the network', () => {
  const address = (ip: string, internal = false) => ({
    address: ip,
    netmask: '255.255.255.0',
    family: 'IPv4' as const,
    mac: '00:00:00:00:00:00',
    internal,
    cidr: null,
  });

  it('is the home network first, containers and tunnels last, this machine never', () => {
    const found = lanAddresses({
      docker0: [address('172.17.0.1')],
      lo: [address('127.0.0.1', true)],
      public0: [address('203.0.113.7')],
      wlan0: [address('192.168.1.20')],
    });
    expect(found).toEqual(['192.168.1.20', '203.0.113.7', '172.17.0.1']);
  });

  it('gets a certificate for its addresses, with a fingerprint to compare', async () => {
    const { X509Certificate } = await import('node:crypto');
    const made = await createCertificate(['127.0.0.1', '192.168.1.20']);
    const cert = new X509Certificate(made.cert);
    expect(cert.checkIP('192.168.1.20')).toBe('192.168.1.20');
    expect(cert.checkHost('localhost')).toBe('localhost');
    expect(cert.fingerprint256).toBe(made.fingerprint);
    expect(cert.ca).toBe(false);
  });
});

describe.skipIf(process.platform === 'win32')('adb', () => {
  const path = process.env['PATH'];
  afterEach(() => {
    process.env['PATH'] = path;
  });

  it('connects every phone that lets this machine in, and takes it back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'edgepress-adb-'));
    bundles.push(folder);
    const log = join(folder, 'log');
    const list = 'List of devices attached\\nP1\\tdevice\\nP2\\tunauthorized\\n';
    writeFileSync(
      join(folder, 'adb'),
      `#!/bin/sh\necho "$@" >> ${log}\n[ "$1" = devices ] && printf '${list}'\nexit 0\n`,
    );
    chmodSync(join(folder, 'adb'), 0o755);
    process.env['PATH'] = `${folder}:${path}`;
    const reverse = await reversePort(4321);
    expect(reverse?.phones).toEqual(['P1']);
    await reverse?.dispose();
    expect(readFileSync(log, 'utf8').trim().split('\n')).toEqual([
      'devices',
      '-s P1 reverse tcp:4321 tcp:4321',
      '-s P1 reverse --remove tcp:4321',
    ]);
  });

  it('is done without where it is not installed', async () => {
    process.env['PATH'] = '/nowhere';
    expect(await reversePort(4321)).toBeNull();
  });
});
