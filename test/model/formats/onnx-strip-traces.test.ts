/** What PyTorch's exporters write: doc_string of nodes (TorchScript), metadata_props of nodes, values and graphs (dynamo). */
import { describe, expect, it } from 'vitest';
import { decodeModel, encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { stripTraces } from '../../../src/model/formats/onnx/strip-traces.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { concat, field, modelBytes, parsed, varintField } from './onnx-bytes.ts';

const trace = '/home/jane/net.py(12): forward\n';
const entry = (key: string, value: string) => concat(field(1, key), field(2, value));
const stack = entry(
  'pkg.torch.onnx.stack_trace',
  'File "/home/jane/net.py", line 12, in forward\n  x.relu()',
);

/** Numbers of doc_string and metadata_props in onnx.proto. */
const relu = concat(
  ...[field(1, 'x'), field(2, 'y'), field(4, 'Relu'), field(6, trace), field(9, stack)],
  field(9, entry('namespace', ': net.Net/relu: torch.nn.ReLU')),
  field(9, entry('quant_tag', 'per channel')),
  field(5, concat(field(1, 'alpha'), varintField(20, 2), varintField(3, 1), field(13, trace))),
);
const value = (name: string) => concat(field(1, name), field(3, trace), field(4, stack));
const weight = concat(
  ...[field(8, 'w'), varintField(1, 1), varintField(2, 1), field(9, new Uint8Array(4))],
  ...[field(12, trace), field(16, stack)],
);
const bytes = concat(
  modelBytes(
    { input: [], output: [], node: [] },
    {
      producerName: 'pytorch',
      docString: 'Finds faces. Trained with /home/jane/train.py.',
      metadataProps: [
        { key: 'license', value: 'MIT' },
        { key: 'author', value: 'Jane' },
        { key: 'edgepress.labels', value: '["cat","dog"]' },
        { key: 'args', value: '{"data":"/home/jane/coco.yaml","imgsz":640}' },
      ],
    },
  ),
  field(
    7,
    concat(
      ...[field(2, 'main'), field(10, 'Made from /home/jane/net.py')],
      ...[field(1, relu), field(5, weight), field(11, value('x')), field(12, value('y')), field(16, stack)],
    ),
  ),
);

describe('texts of exporters', () => {
  const source = decodeModel(bytes);
  const before = encodeModel(source);
  const model = cloneModel(source);
  const stripped = stripTraces(model);
  const after = encodeModel(model);
  const text = Buffer.from(after).toString('latin1');

  it('are nowhere in what is written', () => {
    expect(Buffer.from(before).toString('latin1')).toContain('/home/jane');
    for (const private_ of ['/home/', 'stack_trace', 'net.py(', 'line 12', 'namespace'])
      expect(text).not.toContain(private_);
  });

  it('are counted with their bytes', () => {
    // Of the node: doc, two entries, attribute. Of the values, the weight, the graph: two docs and two entries, one each, one each. Of the model: description, args.
    expect(stripped.texts).toBe(4 + 4 + 2 + 2 + 2);
    expect(before.length - after.length).toBeGreaterThanOrEqual(stripped.bytes);
  });

  it('go alone: what the model says of itself stays', () => {
    const { docString, producerName, metadataProps } = parsed(after);
    expect({ docString, producerName }).toEqual({
      docString: 'Finds faces. Trained with train.py.',
      producerName: 'pytorch',
    });
    expect(metadataProps.map(({ key, value }) => [key, value])).toEqual([
      ['license', 'MIT'],
      ['author', 'Jane'],
      ['edgepress.labels', '["cat","dog"]'],
      ['args', '{"data":"coco.yaml","imgsz":640}'],
    ]);
    expect(text).toContain('quant_tag');
  });

  it('stay in the model that shares its tensors', () => {
    expect(encodeModel(source)).toEqual(before);
  });

  it('are gone for good: a second time finds none', () => {
    expect(stripTraces(model)).toEqual({ texts: 0, bytes: 0 });
  });
});
