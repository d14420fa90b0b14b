/** TensorFlow.js: a JSON file with the network, and weights in files beside it. */
import type { Model } from '../../ir/model.ts';
import { defineNote } from '../../ir/note.ts';
import { propagateTransposes } from '../../layout/propagate.ts';
import type { ModelFormat, ReadSource } from '../format.ts';
import { keepAbout, makersOf } from './about.ts';
import { readGraphModel } from './graph/read.ts';
import { readLayersModel } from './layers/read.ts';
import { filesOf, readWeights } from './manifest.ts';
import { isModelJson, parseModelJson } from './model-json.ts';
import type { NarrowType } from './quantised-weights.ts';
import { addTeachableMachine, metadataFile } from './teachable-machine.ts';
import { writeGraphModel } from './write/write.ts';

/** The files with the weights. */
const shards = defineNote<Model, readonly string[]>('tfjs-shards');

/** Which of its kinds the file is. */
const kinds = defineNote<Model, string>('tfjs-kind');

const expanded = defineNote<Model, readonly NarrowType[]>('tfjs-expanded');

/** Types in which the file that the model was read from has weights that are wider in the model: its size says less than
 *  what a file of the model takes. None for other formats. */
export const expandedTypes = (model: Model): readonly NarrowType[] => expanded.get(model) ?? [];

export const tfjsFormat: ModelFormat = {
  id: 'tfjs',
  name: 'TensorFlow.js',
  extensions: ['.json'],
  runnable: false,
  loadsUnfolded: true,
  recognise: isModelJson,
  read,
  beside,
  files: (model) => shards.get(model) ?? [],
  kind: (model) => kinds.get(model) ?? null,
  makers: makersOf,
  write: (model, { name }) => writeGraphModel(model, name),
};

function read(bytes: Uint8Array, source: ReadSource): Model {
  const json = parseModelJson(bytes, source.name);
  const weights = readWeights(json.manifest, source, source.name);
  const model =
    json.kind === 'layers'
      ? readLayersModel({
          topology: json.topology,
          weights: weights.tensors,
          file: source.name,
          outputs: source.outputs,
        })
      : readGraphModel(json, weights, source);
  keepAbout(model, json);
  if (json.kind === 'layers') addTeachableMachine(model, source);
  propagateTransposes(model);
  shards.set(model, weights.files);
  kinds.set(model, `${json.kind}-model`);
  expanded.set(model, weights.expanded);
  return model;
}

function beside(bytes: Uint8Array, name: string) {
  const { kind, manifest } = parseModelJson(bytes, name);
  return { needed: filesOf(manifest), optional: kind === 'layers' ? [metadataFile] : [] };
}
