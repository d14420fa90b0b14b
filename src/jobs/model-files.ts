/** A model on disk, opened with what a report says about it. */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { modelFacts } from '../judge/analyze/facts.ts';
import type { ModelFacts } from '../judge/report/report.ts';
import { readModelFile } from '../model/formats/file.ts';
import { cloneModel } from '../model/ir/clone.ts';
import type { Model } from '../model/ir/model.ts';
import { initializersOf } from '../model/ir/walk.ts';
import { modelMacs } from '../model/ops/cost.ts';
import { inferShapes } from '../model/ops/shapes.ts';
import { inlineCalls } from '../model/rewrite/inline-calls.ts';
import { brotliQualityFor, transferSizes } from '../ship/profile/transfer.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import { sha256 } from '../support/hash.ts';
import { formatBytes } from '../support/units.ts';

export interface OpenedModel {
  readonly path: string;
  readonly model: Model;
  /** The model file and its external data. */
  readonly files: readonly string[];
  readonly sizeBytes: number;
}

/** @throws what readModelFile throws */
export function openModel(path: string): OpenedModel {
  const model = readModelFile(path);
  const locations = new Set<string>();
  for (const { value } of initializersOf(model)) {
    const location = value.constant?.external?.location;
    if (location !== undefined) locations.add(location);
  }
  const files = [path, ...[...locations].map((l) => join(dirname(path), l))];
  return { path, model, files, sizeBytes: files.reduce((sum, f) => sum + statSync(f).size, 0) };
}

/** Compressing more than this for a size figure takes longer than the figure is worth. */
const transferLimit = 256e6;

export interface FactsOptions {
  /** The largest of the models that are compared: one Brotli quality serves all. */
  readonly largestBytes: number;
  /** Leave the transfer sizes out. */
  readonly quick?: boolean;
}

export async function factsOf(opened: OpenedModel, options: FactsOptions): Promise<ModelFacts> {
  const bytes = opened.sizeBytes <= transferLimit ? joined(opened.files) : null;
  const transfer =
    bytes && !options.quick ? await transferSizes(bytes, brotliQualityFor(options.largestBytes)) : null;
  return modelFacts(opened.model, {
    file: basename(opened.path),
    sha256: await sha256(bytes ?? readFileSync(opened.path)),
    sizeBytes: opened.sizeBytes,
    gzipBytes: transfer?.gzipBytes ?? null,
    brotliBytes: transfer?.brotliBytes ?? null,
    macs: countMacs(opened.model),
  });
}

function joined(files: readonly string[]): Uint8Array {
  const parts = files.map((f) => readFileSync(f));
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** null when shapes can't be inferred well enough to count. */
function countMacs(model: Model): number | null {
  try {
    const typed = cloneModel(model);
    inferShapes(typed);
    inlineCalls(typed, () => true);
    const { macs, unknown } = modelMacs(typed);
    return unknown.length > 0 && macs === 0 ? null : macs;
  } catch (error) {
    if (error instanceof Diagnostic) return null;
    throw error;
  }
}

export const describeModel = ({ model, sizeBytes }: OpenedModel) =>
  `${formatBytes(sizeBytes)} · ${model.graph.nodes.length} nodes · opset ${model.opsets.get('') ?? '?'}`;
