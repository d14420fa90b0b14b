/** This machine without a browser: onnxruntime-node, or onnxruntime-web's WebAssembly in Node, in a process of its own. */
import { readFileSync, statSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import type { EngineName } from '../../compute/engine/contract.ts';
import { holdsHalf } from '../../compute/engine/onnxruntime-node.ts';
import { openEngine } from '../../compute/engine/open.ts';
import type { ModelSource, Runnable } from '../../model/formats/opened.ts';
import { measureMemory } from '../../support/diagnostics/devices.ts';
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
import { type IsolatedCandidate, measureByTurnsIsolated, measureIsolated } from './isolated.ts';
import { installedVersion } from './machine.ts';
import { isOther, otherTitles } from './other-runtimes.ts';
import type { ServedFile } from './serve.ts';

/** @throws ENGINE_MISSING */
export async function openNodeDevice(engine: EngineName): Promise<Device> {
  const { version } = await openEngine(engine);
  const provider: Provider = engine === 'node' ? 'cpu' : 'wasm';
  const host = `node ${process.versions.node}`;
  const packageName = engine === 'node' ? 'onnxruntime-node' : 'onnxruntime-web';
  const runtime = `${packageName} ${installedVersion(packageName) ?? version}`;
  const known = new Map<Subject, Promise<Runnable>>();
  /** What a variant's weights are is looked up once, not by each process that measures it. */
  const opened = (subject: Subject) => {
    const made = known.get(subject) ?? runnable(subject, engine);
    known.set(subject, made);
    return made;
  };
  return {
    name: engine,
    title: `${host}, ${runtime}`,
    emulated: false,
    providers: [provider],
    refuses: (subject, setting) =>
      isOther(subject.format)
        ? `${otherTitles[subject.format]} is measured in browsers: --device chromium`
        : setting.provider === provider
          ? notMadeFor(subject, setting)
          : `it runs on ${provider} only`,
    async measure(subject, { threads }, options = {}): Promise<DeviceMeasurement> {
      const { throughput: batches, ...rest } = options;
      const { request, notes } = throughputFor(subject, batches);
      const timed = await measureIsolated(await opened(subject), subject.feeds, {
        ...rest,
        engine,
        session: { threads, config: subject.sessionConfig },
        throughput: request,
      });
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
        notes: [...notes, ...failedBatches(timed.throughput)],
      };
    },
    async measureByTurns(subjects, { threads }, { timeoutMs, ...options } = {}) {
      refuseTooLarge(subjects);
      const candidates: IsolatedCandidate[] = [];
      for (const subject of subjects)
        candidates.push({
          model: await opened(subject),
          session: { threads, config: subject.sessionConfig },
        });
      return measureByTurnsIsolated(
        candidates as [IsolatedCandidate, ...IsolatedCandidate[]],
        subjects[0].feeds,
        {
          ...options,
          engine,
          timeoutMs: timeoutMs ?? 120_000 * subjects.length,
        },
      );
    },
    close: async () => {},
  };
}

/** A session holds a model's weights about three times over while it opens. @throws MEASURE_MEMORY */
function refuseTooLarge(subjects: readonly Subject[]): void {
  const bytes = subjects.flatMap(({ parts }) => parts.flatMap(({ files }) => files.map(sizeOf)));
  const needed = 3 * bytes.reduce((a, b) => a + b, 0);
  if (needed > freemem()) throw measureMemory(subjects.map((s) => s.name).join(', '), needed);
}

const sizeOf = (file: ServedFile) => ('path' in file ? statSync(file.path).size : file.bytes.length);

/** Its files where they lie, if each is whole and the data is called as the model calls it; else joined in memory. */
async function runnable({ name, parts, halfWeights }: Subject, engine: EngineName): Promise<Runnable> {
  const [model, ...data] = [...parts].sort((a, b) => Number(b.role === 'model') - Number(a.role === 'model'));
  if (!model) throw new RangeError(`"${name}" has no model file.`);
  const path = wholeFile(model);
  const beside = (part: Subject['parts'][number]) =>
    path !== null && wholeFile(part) === join(path, '..', part.name);
  const source: ModelSource =
    path !== null && data.every(beside)
      ? { path, dataFiles: data.map((part) => part.name) }
      : { bytes: joined(model), externalData: new Map(data.map((part) => [part.name, joined(part)])) };
  // Only the native engine asks.
  const half = halfWeights ?? (engine === 'node' ? await holdsHalf(source) : undefined);
  return { name, engineSource: () => (half === undefined ? source : { ...source, halfWeights: half }) };
}

function wholeFile({ files }: Subject['parts'][number]): string | null {
  const [file, ...more] = files;
  return file && 'path' in file && more.length === 0 ? file.path : null;
}

const joined = ({ files }: Subject['parts'][number]) =>
  Buffer.concat(files.map((file) => ('path' in file ? readFileSync(file.path) : Buffer.from(file.bytes))));
