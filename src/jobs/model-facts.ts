/** What a report says about a model: its sizes, its contents, what it computes. */
import { modelFacts } from '../judge/analyze/facts.ts';
import type { ReportHeader } from '../judge/report/header.ts';
import type { ModelFacts } from '../judge/report/report.ts';
import type { OpenedModel } from '../model/formats/opened.ts';
import { cloneModel } from '../model/ir/clone.ts';
import type { Model } from '../model/ir/model.ts';
import { modelMacs } from '../model/ops/cost.ts';
import { inferShapes } from '../model/ops/shapes.ts';
import { inlineCalls } from '../model/rewrite/inline-calls.ts';
import { brotliQualityFor, transferSizes } from '../ship/profile/transfer.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import { sha256 } from '../support/hash.ts';
import { formatBytes } from '../support/units.ts';

/** Compressing more than this for a size figure takes longer than the figure is worth. */
const transferLimit = 256e6;

/** What takes no time to find out: all but hash and transfer sizes. */
export const quickFacts = (opened: OpenedModel): QuickFacts => {
  const none = { sha256: '', gzipBytes: null, brotliBytes: null };
  const { file, sizeBytes, parameters, macs, macsAssumed, opset, inputs } = modelFacts(opened.model, {
    ...{ file: opened.name, sizeBytes: opened.sizeBytes, ...none, ...countMacs(opened.model) },
  });
  return { file, sizeBytes, parameters, macs, macsAssumed, opset, inputs };
};

type QuickFacts = ReportHeader['source'];

/** @param largestBytes  the largest of the models that are compared: one Brotli quality serves all
 *  @param known  found before: not counted again */
export async function factsOf(
  opened: OpenedModel,
  largestBytes: number,
  known?: QuickFacts,
): Promise<ModelFacts> {
  const bytes = opened.sizeBytes <= transferLimit ? joined(opened) : null;
  const transfer = bytes && (await transferSizes(bytes, brotliQualityFor(largestBytes)));
  const facts = modelFacts(opened.model, {
    file: opened.name,
    sha256: await sha256(bytes ?? opened.files[0]!.bytes()),
    sizeBytes: opened.sizeBytes,
    gzipBytes: transfer?.gzipBytes ?? null,
    brotliBytes: transfer?.brotliBytes ?? null,
    ...(transfer ? { brotliQuality: transfer.brotliQuality } : {}),
    ...(known ? { macs: known.macs, macsAssumed: known.macsAssumed } : countMacs(opened.model)),
  });
  return { ...facts, producer: producerOf(opened) ?? facts.producer };
}

/** Who made the file, of formats that models are converted from. */
const producerOf = ({ format, model }: OpenedModel): string | null =>
  format.makers ? (format.makers(model) ?? '') : null;

/** Of all files, as a server sends them; null where finding out takes too long. */
export const brotliBytesOf = async (opened: OpenedModel): Promise<number | null> =>
  opened.sizeBytes > transferLimit
    ? null
    : (await transferSizes(joined(opened), brotliQualityFor(opened.sizeBytes))).brotliBytes;

function joined({ files }: OpenedModel): Uint8Array {
  const parts = files.map((file) => file.bytes());
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** null when shapes can't be inferred well enough to count. */
function countMacs(model: Model): Pick<ModelFacts, 'macs' | 'macsAssumed'> {
  try {
    const typed = cloneModel(model);
    inferShapes(typed);
    inlineCalls(typed, () => true);
    const { macs, unknown, assumed, onData } = modelMacs(typed);
    if (macs === 0) return { macs: unknown.length > 0 ? null : 0 };
    if (assumed.length === 0 && !onData) return { macs };
    return { macs, macsAssumed: { sizes: [...assumed], onData } };
  } catch (error) {
    if (error instanceof Diagnostic) return { macs: null };
    throw error;
  }
}

export const describeModel = ({ model, sizeBytes }: OpenedModel) =>
  `${formatBytes(sizeBytes)} · ${model.graph.nodes.length} nodes · opset ${model.opsets.get('') ?? '?'}`;
