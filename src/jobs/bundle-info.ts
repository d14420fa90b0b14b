/** What a bundle says about its model besides the variants. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { preprocessingFor } from '../data/open-pictures.ts';
import { pictureInput } from '../data/picture-input.ts';
import type { Prepared } from '../data/prepare-data.ts';
import { withoutExtension } from '../model/formats/index.ts';
import type { OpenedFile, OpenedModel } from '../model/formats/opened.ts';
import { labelsOf as labelsOfModel } from '../model/ir/card.ts';
import type { Model } from '../model/ir/model.ts';
import type { Port } from '../model/ir/port.ts';
import { outputPortsOf, portsOf } from '../model/ir/port.ts';
import type { BundleInfo } from '../ship/emit/bundle.ts';
import { installedVersion } from '../ship/profile/machine.ts';
import { labelNamesCount } from '../support/diagnostics/bundle.ts';
import { version } from '../support/version.ts';
import type { Probe } from './probe.ts';
import type { BundleRequest } from './requests/bundle.ts';
import { scoresOutput } from './run-pair.ts';

interface InfoRequest extends Pick<BundleRequest, 'name' | 'preprocess' | 'licence'> {
  /** Names of the classes, and the file that they are from. */
  readonly labelNames?: { readonly file: string; readonly names: readonly string[] } | undefined;
}

/** How a model is used, as the manifest says it and as files say it that have a place for it. */
export interface ModelUse extends Pick<BundleInfo, 'preprocessing' | 'labels'> {
  readonly guessed: readonly string[];
}

/** @param prepared  real data, if there is any; @throws what reading --preprocess throws */
export async function useOf(
  { model }: OpenedModel,
  prepared: Prepared | null,
  { preprocess, labelNames }: InfoRequest,
): Promise<ModelUse> {
  const labels = labelNames?.names ?? longest(prepared?.source.classes, labelsOfModel(model));
  return {
    ...(await preprocessingOf(portsOf(model), prepared, preprocess)),
    labels: labels && [...labels],
  };
}

/** Labels of samples name the classes that samples have; a model may name all. */
const longest = (ofSamples: readonly string[] | null | undefined, ofModel: readonly string[] | null) =>
  (ofModel?.length ?? 0) > (ofSamples?.length ?? 0) ? ofModel : (ofSamples ?? ofModel);

/** @param clean  the model with inferred shapes
 *  @throws LABEL_NAMES_COUNT */
export function bundleInfo(
  opened: OpenedModel,
  clean: Model,
  { preprocessing, labels }: ModelUse,
  { name, labelNames, licence }: InfoRequest,
): Omit<BundleInfo, 'provenance'> {
  const outputs = outputPortsOf(clean);
  if (labelNames) checkCount(outputs, labelNames);
  return {
    name: name ?? withoutExtension(opened.name),
    inputs: portsOf(clean).map(plainPort),
    outputs: outputs.map(plainPort),
    ...{ preprocessing, labels },
    licence: licence ?? null,
  };
}

const plainPort = ({ name, dtype, shape }: Port) => ({ name, dtype, shape: shape && [...shape] });

async function preprocessingOf(
  ports: readonly Port[],
  prepared: Prepared | null,
  choice: string | undefined,
) {
  if (prepared) {
    const { preprocessing, guessed } = prepared.source;
    return { preprocessing: preprocessing && { ...preprocessing }, guessed };
  }
  const picture = ports.find((p) => pictureInput(p) !== null);
  if (!picture || (choice === undefined && picture.preprocessing === undefined))
    return { preprocessing: null, guessed: [] };
  const { spec, guessed } = await preprocessingFor(picture, choice);
  return { preprocessing: { ...spec }, guessed };
}

/** @throws LABEL_NAMES_COUNT */
function checkCount(outputs: readonly Port[], { file, names }: NonNullable<InfoRequest['labelNames']>): void {
  const scores = scoresOutput(outputs);
  const expected = scores?.shape?.at(-1);
  if (typeof expected === 'number' && expected !== names.length)
    throw labelNamesCount(file, names.length, scores!.name, expected);
}

/** @param recipes  by variant */
export async function provenanceOf(
  opened: OpenedModel,
  recipes: Readonly<Record<string, unknown>>,
  { source, calibration, held, probe }: Prepared & { readonly probe: Probe | null },
): Promise<BundleInfo['provenance']> {
  return {
    tool: `edgepress ${version}`,
    onnxruntime: installedVersion('onnxruntime-web') ?? 'unknown',
    source: {
      file: opened.name,
      bytes: opened.sizeBytes,
      sha256: await hashOf(opened.files),
    },
    recipes: { ...recipes },
    data: {
      source: probe?.source.name ?? source.name,
      calibrationSamples: calibration.length,
      evaluationSamples: (probe ?? held).indices.length,
      ...(held.source !== source && { test: held.source.name }),
      synthetic: probe ? probe.facts.kind === 'made-up' : source.kind === 'synthetic',
    },
  };
}

/** Of the model file; with external data, of all files one after the other. */
async function hashOf(files: readonly OpenedFile[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files)
    if (file.path === null) hash.update(file.bytes());
    else for await (const chunk of createReadStream(file.path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}
