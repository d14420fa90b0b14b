/** What a file says of its use. The labelled files were written by Google's tflite-support 0.4.4: image_classifier.MetadataWriter,
 *  mean and deviation 127.5, three labels. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import type { FlatTable } from '../../../../src/model/formats/flatbuffers/schema.ts';
import { writeFlatbuffer } from '../../../../src/model/formats/flatbuffers/write.ts';
import { openModel } from '../../../../src/model/formats/open-file.ts';
import { openModelBytes } from '../../../../src/model/formats/opened.ts';
import { metadataSchema } from '../../../../src/model/formats/tflite/metadata-schema.ts';
import { labelsOf, preprocessingOf } from '../../../../src/model/ir/card.ts';
import { shapeOf } from '../../../../src/model/ir/model.ts';
import { outcomeOf } from './one-operator.ts';
import { type TinyGraph, tinyFile } from './tiny-file.ts';

const labelled = (name: string) => readFileSync(new URL(`labelled-${name}.tflite`, import.meta.url));
const open = (bytes: Uint8Array) => openModelBytes(bytes, { name: 'labelled.tflite' }).model;

it.each([['MLIR Converted.'], ['']])(
  'a file described as "%s" says so, not that we made it',
  (description) => {
    const graph: TinyGraph = {
      tensors: { x: { dims: [2], type: 'float32' }, y: { dims: [2], type: 'float32' } },
      ...{ inputs: ['x'], outputs: ['y'] },
      operators: [{ op: 'RELU', inputs: ['x'], outputs: ['y'] }],
    };
    expect(open(tinyFile([graph], { description })).producer).toEqual({ name: description, version: '' });
  },
);

describe('metadata that tflite-support wrote', () => {
  it('gives names of classes and the normalisation of pictures', () => {
    const model = open(labelled('float32'));
    expect(labelsOf(model)).toEqual(['red', 'green', 'blue']);
    expect(preprocessingOf(model)).toMatchObject({
      resize: { mode: 'exact', size: { width: 2, height: 2 } },
      mean: [127.5],
      std: [127.5],
      channels: 'RGB',
    });
    expect(model.doc).toContain('ImageClassifier');
  });

  it('is in the integers of an input that is quantised', () => {
    // (pixel − 127.5) / 127.5 at scale 1/64 and zero point 128.
    const std = 127.5 / 64;
    expect(preprocessingOf(open(labelled('uint8')))).toMatchObject({ mean: [127.5 - 128 * std], std: [std] });
  });

  it('is read or refused with a code wherever it is damaged', () => {
    const bytes = Uint8Array.from(labelled('float32'));
    for (let at = 8; at + 4 <= bytes.length; at += 4)
      for (const word of [0, -1, 0x7fffffff]) {
        const copy = bytes.slice();
        new DataView(copy.buffer).setInt32(at, word, true);
        outcomeOf(copy);
      }
  });
});

const graph: TinyGraph = {
  tensors: { x: { dims: [1, 2], type: 'float32', signature: [-1, 2] }, y: { dims: [1, 2], type: 'float32' } },
  inputs: ['x'],
  outputs: ['y'],
  operators: [{ op: 'RELU', inputs: ['x'], outputs: ['y'] }],
};

it('pictures of int8 are pixels less 128 where nothing else is said', () => {
  const picture = { dims: [1, 8, 6, 3], type: 'int8', scale: [0.01], zeroPoint: [7] } as const;
  const model = open(tinyFile([{ ...graph, tensors: { x: picture, y: picture } }]));
  expect(preprocessingOf(model)).toMatchObject({
    resize: { mode: 'exact', size: { width: 6, height: 8 } },
    mean: [128],
    std: [1],
  });
});

describe('names', () => {
  it('are those of the signature', () => {
    const signature = {
      signatureKey: 'serving_default',
      subgraphIndex: 0,
      inputs: [{ name: 'speech', tensorIndex: 0 }],
      outputs: [{ name: 'words', tensorIndex: 1 }],
    };
    const model = open(tinyFile([graph], { signatureDefs: [signature] } as unknown as FlatTable));
    expect(model.graph.inputs.map((v) => v.name)).toEqual(['speech']);
    expect(model.graph.outputs.map((v) => v.name)).toEqual(['words']);
    expect(shapeOf(model.graph.inputs[0])).toEqual(['batch', 2]);
  });

  it('are those of the tensors where there is none', () => {
    const { inputs, outputs } = open(tinyFile([graph])).graph;
    expect([...inputs, ...outputs].map((v) => v.name)).toEqual(['x', 'y']);
  });

  it('of one tensor that goes in and comes out are two', () => {
    const through = { ...graph, outputs: ['x'], operators: [] };
    const { inputs, outputs } = open(tinyFile([through])).graph;
    expect([...inputs, ...outputs].map((v) => v.name)).toEqual(['x', 'x_1']);
  });
});

describe('a file with several models', () => {
  const other: TinyGraph = {
    ...graph,
    operators: [{ op: 'TANH', inputs: ['x'], outputs: ['y'] }],
  };
  const signature = (key: string, subgraphIndex: number) => ({
    signatureKey: key,
    subgraphIndex,
    inputs: [{ name: `${key}_in`, tensorIndex: 0 }],
    outputs: [{ name: `${key}_out`, tensorIndex: 1 }],
  });
  const file = tinyFile([graph, other], {
    signatureDefs: [signature('prefill', 0), signature('decode', 1)],
  } as unknown as FlatTable);

  it('is refused with their names', () => {
    const refused = expect.objectContaining({
      code: 'TFLITE_SEVERAL_MODELS',
      message: expect.stringContaining('"decode" (decode_out)'),
      hint: expect.stringContaining('--outputs prefill_out'),
    });
    expect(() => open(file)).toThrow(refused);
  });

  it('gives the one whose outputs are asked for', () => {
    const { model } = openModelBytes(file, { name: 'two.tflite', outputs: ['decode_out'] });
    expect(model.graph.nodes.map((node) => node.opType)).toEqual(['Tanh']);
    expect(model.graph.inputs.map((v) => v.name)).toEqual(['decode_in']);
  });
});

it('is opened in an archive of MediaPipe that holds one model', () => {
  const folder = mkdtempSync(join(tmpdir(), 'task-'));
  try {
    const path = join(folder, 'colours.task');
    writeFileSync(path, zipSync({ 'model.tflite': Uint8Array.from(labelled('float32')) }, { level: 0 }));
    const opened = openModel(path);
    expect(opened.name).toBe('colours.tflite');
    expect(labelsOf(opened.model)).toEqual(['red', 'green', 'blue']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('labels that are no archive leave the model as it is', () => {
  const about = writeFlatbuffer(
    {
      subgraphMetadata: [{ outputTensorMetadata: [{ associatedFiles: [{ name: 'labels.txt', type: 2 }] }] }],
    } as unknown as FlatTable,
    metadataSchema,
  );
  const file = tinyFile([graph], {
    metadata: [{ name: 'TFLITE_METADATA', buffer: 1 }],
    buffers: [{}, { data: about }],
  } as unknown as FlatTable);
  expect(labelsOf(open(file))).toBeNull();
});
