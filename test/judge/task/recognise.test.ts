import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { taskOf } from '../../../src/jobs/model-task.ts';
import { readModel } from '../../../src/jobs/read-model.ts';
import { recogniseTask } from '../../../src/judge/task/recognise.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import type { TaskName } from '../../../src/support/task.ts';

const zoo = process.env['EDGEPRESS_ZOO'];

/** A model of these inputs and outputs; the body makes outputs from them. */
const model = (ports: string, body: string) =>
  parseModel(`<ir_version: 8, opset_import: ["" : 17]> g ${ports} ${body}`);

describe('recogniseTask', () => {
  const shapes: readonly (readonly [string, TaskName, string, string])[] = [
    [
      'boxes and scores of as many places',
      'detection',
      '(float[1,3,240,320] x) => (float[1,4420,2] a, float[1,4420,4] b)',
      '{ a = Foo.f (x) b = Foo.f (x) }',
    ],
    [
      'rows of a YOLO of the eighth version: 84 for each of 80² + 40² + 20² cells',
      'detection',
      '(float[1,3,640,640] x) => (float[1,84,8400] y)',
      '{ y = Foo.f (x) }',
    ],
    [
      'rows of a YOLO of the fifth version: 85 for each of three boxes a cell',
      'detection',
      '(float[1,3,640,640] x) => (float[1,25200,85] y)',
      '{ y = Foo.f (x) }',
    ],
    [
      'maps of a YOLO before its last step: three boxes for each cell of three grids',
      'detection',
      '(float[1,3,640,640] x) => (float[1,3,80,80,85] a, float[1,3,40,40,85] b, float[1,3,20,20,85] c)',
      '{ a = Foo.f (x) b = Foo.f (x) c = Foo.f (x) }',
    ],
    [
      'the same as a convolution leaves them',
      'detection',
      '(float[1,3,416,416] x) => (float[1,255,13,13] a, float[1,255,26,26] b, float[1,255,52,52] c)',
      '{ a = Foo.f (x) b = Foo.f (x) c = Foo.f (x) }',
    ],
    [
      'rows of boxes that were chosen',
      'detection',
      '(float[1,3,640,640] x) => (float[1,300,6] y)',
      '{ y = Foo.f (x) }',
    ],
    [
      'scores of 21 classes for every place',
      'segmentation',
      '(float[N,3,512,512] x) => (float[N,21,512,512] y)',
      '{ y = Foo.f (x) }',
    ],
    [
      'a share for every place',
      'segmentation',
      '(float[N,3,H,W] x) => (float[N,1,H,W] y)',
      '{ a = Foo.f (x) y = Sigmoid (a) }',
    ],
    ['a picture', 'image-to-image', '(float[N,3,H,W] x) => (float[N,3,H,W] y)', '{ y = Foo.f (x) }'],
    [
      'a vector of length 1',
      'embedding',
      '(float[N,3,112,112] x) => (float[N,100] y)',
      '{ a = Foo.f (x) y = LpNormalization (a) }',
    ],
    ['numbers', 'regression', '(float[N,3,64,64] x) => (float[N,1] y)', '{ y = Foo.f (x) }'],
    [
      'a reconstruction',
      'regression',
      '(float[N,640] x) => (float[N,640] y)',
      '{ a = Relu (x) y = Identity (a) }',
    ],
    ['probabilities', 'classification', '(float[N,40] x) => (float[N,12] y)', '{ y = Softmax (x) }'],
    ['tags', 'tagging', '(float[N,40] x) => (float[N,12] y)', '{ a = Foo.f (x) y = Sigmoid (a) }'],
    [
      'letters along time',
      'transcription',
      '(float[N,3,48,W] x) => (float[N,T,97] y)',
      '{ a = Foo.f (x) y = Softmax (a) }',
    ],
    [
      'a vector for each token',
      'embedding',
      '(int64[N,T] input_ids, int64[N,T] attention_mask) => (float[N,T,384] last_hidden_state)',
      '{ last_hidden_state = Foo.f (input_ids) }',
    ],
    [
      'scores of the next token',
      'language-model',
      '(int64[N,T] input_ids) => (float[N,T,V] logits)',
      '{ logits = Foo.f (input_ids) }',
    ],
    [
      'scores of the next token, with what an encoder wrote',
      'encoder-decoder',
      '(int64[N,T] input_ids, float[N,S,8] encoder_hidden_states) => (float[N,T,V] logits)',
      '{ logits = Foo.f (input_ids, encoder_hidden_states) }',
    ],
  ];
  it.each(shapes)('takes %s for %s', (_, name, ports, body) => {
    expect(recogniseTask(model(ports, body)).name).toBe(name);
  });

  const vector = model('(float[N,3,112,112] x) => (float[N,512] y)', '{ y = Foo.f (x) }');

  it('takes a row of 512 numbers for a vector, and for scores of classes where samples have labels', () => {
    expect(recogniseTask(vector).name).toBe('embedding');
    expect(recogniseTask(vector, { labelled: true }).name).toBe('classification');
  });

  it('believes what config.json says before what shapes look like, and says so', () => {
    const task = recogniseTask(vector, { config: { architectures: ['ResNetForImageClassification'] } });
    expect(task).toMatchObject({ name: 'classification', by: 'metadata' });
    expect(task.evidence).toContain('config.json says ResNetForImageClassification');
  });

  it('leaves config.json alone where no output is what it says', () => {
    expect(recogniseTask(vector, { config: { architectures: ['DetrForObjectDetection'] } }).name).toBe(
      'embedding',
    );
  });

  it('takes the task that somebody names, and refuses one that no output answers', () => {
    expect(recogniseTask(vector, { asked: 'regression' })).toMatchObject({ name: 'regression', by: 'asked' });
    const refused = () => recogniseTask(vector, { asked: 'detection' });
    expect(refused).toThrow(expect.objectContaining({ code: 'TASK_UNFIT' }));
    // What it gives instead, and what that could answer.
    expect(refused).toThrow(expect.objectContaining({ message: expect.stringContaining('[N,512]') }));
    expect(refused).toThrow(expect.objectContaining({ hint: expect.stringContaining('embedding') }));
  });

  it('tells a state by its name, and no answer by being called "output"', () => {
    const vad = model(
      '(float[N,T] input, float[2,N,128] state) => (float[N,1] output, float[a,b,c] stateN)',
      '{ a = Foo.f (input) output = Sigmoid (a) stateN = Foo.f (state) }',
    );
    expect(recogniseTask(vad)).toMatchObject({ name: 'tagging', outputs: [{ name: 'output' }] });
  });

  it('tells of a vocabulary by the table that ids are looked up in, and of classes of tokens by there being fewer', () => {
    const reads = (rows: number) =>
      parseModel(`<ir_version: 8, opset_import: ["" : 17]>
        g (int64[N,T] input_ids) => (float[N,T,3] logits)
        <float[${rows},3] table = {${Array.from({ length: 3 * rows }, () => 0).join(',')}}>
        { logits = Gather (table, input_ids) }`);
    expect(recogniseTask(reads(3)).name).toBe('language-model');
    expect(recogniseTask(reads(40)).name).toBe('classification');
  });
});

describe('the shipped models', () => {
  const expected: Readonly<Record<string, TaskName>> = {
    'brackets-lstm': 'classification',
    'dates-t5-decoder': 'encoder-decoder',
    'dates-t5-encoder': 'embedding',
    'digits-vit': 'classification',
    'glyphs-cnn': 'classification',
    'sentences-gpt2': 'language-model',
    'sentiment-encoder': 'classification',
    'sequence-gru': 'classification',
  };
  it.each(Object.entries(expected))('%s is for %s', async (name, task) => {
    expect(taskOf(await readModel(`fixtures/models/${name}.onnx`), undefined).name).toBe(task);
  });
});

describe.skipIf(!zoo)('models that others made (skipped: EDGEPRESS_ZOO is not set)', () => {
  const expected: Readonly<Record<string, TaskName>> = {
    'cifar10-resnet/resnet20.onnx': 'classification',
    'kws-dscnn/kws_dscnn_float.onnx': 'classification',
    'mlperf-tiny/ad01_autoencoder.onnx': 'regression',
    'mlperf-tiny/vww_96_float.onnx': 'classification',
    'nano-gpt-sort/gpt-nano-sort.onnx': 'language-model',
    'onnx-basic-pitch/nmp.onnx': 'tagging',
    'onnx-charrnn-shakespeare/charrnn.onnx': 'language-model',
    'onnx-kwt1/kwt1.onnx': 'classification',
    'onnx-mnist/model.onnx': 'classification',
    'onnx-ppocr/ch_PP-OCRv3_det_infer.onnx': 'segmentation',
    'onnx-ppocr/ch_ppocr_mobile_v2.0_cls_infer.onnx': 'classification',
    'onnx-silero-vad/silero_vad.onnx': 'tagging',
    'onnx-super-resolution/super-resolution-10.onnx': 'image-to-image',
    'onnx-ultraface/version-RFB-320.onnx': 'detection',
    'tfjs-crepe-layers-f32/model.json': 'classification',
    'tfjs-doodlenet-layers-f32/model.json': 'classification',
    'tfjs-human/blazeface/blazeface.json': 'detection',
    'tfjs-human/emotion/emotion.json': 'classification',
    'tfjs-human/facemesh/facemesh.json': 'regression',
    'tfjs-human/handtrack/handtrack.json': 'detection',
    'tfjs-human/iris/iris.json': 'regression',
    'tfjs-human/selfie/selfie.json': 'segmentation',
    'tiny-llama-stories260K/stories260K.onnx': 'language-model',
  };
  it.each(Object.entries(expected))('%s is for %s', async (file, task) => {
    const at = path.join(zoo!, 'models', file);
    if (!existsSync(at)) throw new Error(`The zoo has no ${file}.`);
    expect(taskOf(await readModel(at), undefined).name).toBe(task);
  });
});
