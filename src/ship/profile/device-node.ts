/** This machine without a browser: onnxruntime-node, or onnxruntime-web's WebAssembly in Node, in a process of its own. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import type { EngineName } from '../../compute/engine/contract.ts';
import { openEngine } from '../../compute/engine/open.ts';
import { bundleUnreadable } from '../../support/diagnostics/bundle.ts';
import {
  type Device,
  type DeviceMeasurement,
  failedBatches,
  machineName,
  measurementOf,
  notMadeFor,
  type Provider,
  type Subject,
  throughputFor,
} from './device.ts';
import { measureIsolated } from './isolated.ts';
import { installedVersion } from './machine.ts';

/** @throws ENGINE_MISSING */
export async function openNodeDevice(engine: EngineName): Promise<Device> {
  const { version } = await openEngine(engine);
  const provider: Provider = engine === 'node' ? 'cpu' : 'wasm';
  const host = `node ${process.versions.node}`;
  const packageName = engine === 'node' ? 'onnxruntime-node' : 'onnxruntime-web';
  const runtime = `${packageName} ${installedVersion(packageName) ?? version}`;
  return {
    name: engine,
    title: `${host}, ${runtime}`,
    emulated: false,
    providers: [provider],
    refuses: (subject, setting) =>
      setting.provider === provider ? notMadeFor(subject, setting) : `it runs on ${provider} only`,
    async measure(subject, { threads }, options = {}): Promise<DeviceMeasurement> {
      const { throughput: batches, ...rest } = options;
      const { request, note } = throughputFor(subject, batches);
      const timed = await withFile(subject, (path) =>
        measureIsolated(path, subject.feeds, {
          ...rest,
          engine,
          session: { threads, config: subject.sessionConfig },
          ...(request ? { throughput: request } : {}),
        }),
      );
      const facts = {
        device: machineName(),
        host,
        provider,
        threads,
        runtime,
        adapter: null,
        emulated: false,
      };
      return {
        result: measurementOf(facts, timed, { downloadMs: null, peakBytes: timed.memory.peakBytes }),
        samplesMs: timed.samplesMs,
        intervalMs: timed.intervalMs,
        notes: [...(note ? [note] : []), ...failedBatches(timed.throughput)],
      };
    },
    close: async () => {},
  };
}

/** The model as one file with its data beside it: where it lies already, or joined in a temporary folder. */
async function withFile<T>(subject: Subject, work: (path: string) => Promise<T>): Promise<T> {
  const [model, ...data] = [...subject.parts].sort(
    (a, b) => Number(b.role === 'model') - Number(a.role === 'model'),
  );
  if (!model) throw new RangeError(`"${subject.name}" has no model file.`);
  const whole = [model, ...data].every(({ files }) => files.length === 1);
  const named = data.every(({ name, files }) => files[0]!.path === join(model.files[0]!.path, '..', name));
  if (whole && named && model.files[0]!.path.endsWith(`.${subject.format}`))
    return work(model.files[0]!.path);
  const folder = await mkdtemp(join(tmpdir(), 'edgepress-device-'));
  try {
    const path = join(folder, `model.${subject.format}`);
    await writeFile(path, await joined(model.files));
    for (const { name, files } of data) {
      const target = join(folder, name);
      if (!target.startsWith(folder + sep)) throw bundleUnreadable(subject.name, `${name} leads out of it`);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, await joined(files));
    }
    return await work(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const joined = async (files: readonly { readonly path: string }[]) =>
  Buffer.concat(await Promise.all(files.map(({ path }) => readFile(path))));
