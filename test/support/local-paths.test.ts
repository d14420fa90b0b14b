import { expect, it } from 'vitest';
import { withoutLocalPaths } from '../../src/support/local-paths.ts';

it.each([
  ['trained on /usr/src/app/cfg/coco.yaml, 80 classes', 'trained on coco.yaml, 80 classes'],
  ['{"weights":"/home/jane/my runs/best.pt"}', '{"weights":"my runs/best.pt"}'],
  ['from C:\\Users\\Jane\\net.pth', 'from net.pth'],
  ['{"path":"C:\\\\Users\\\\Jane\\\\net.pth"}', '{"path":"net.pth"}'],
  ['file:///Users/jane/net.pt', 'net.pt'],
  ['\\\\server\\share\\net.pt', 'net.pt'],
])('cuts paths of a machine to their last part: %s', (text, rest) => {
  expect(withoutLocalPaths(text)).toBe(rest);
});

it.each([
  '/home/jane/site-packages/torch/nn/modules/conv.py(456): _conv_forward\n/home/jane/net.py(12): forward\n',
  'File "/tmp/net.py", line 3, in forward\n    return self.fc(x)',
  '# /workspace/net.py:12 in forward, code: return self.fc(x)',
])('drops lines of stack traces with the source that they quote: %s', (text) => {
  expect(withoutLocalPaths(text)).toBe('');
});

it('leaves the lines around a trace', () => {
  const text = 'Adds the residual.\nFile "net.py", line 3, in forward\n  return x + y\nSee the paper.';
  expect(withoutLocalPaths(text)).toBe('Adds the residual.\nSee the paper.');
});

it.each([
  'MIT, see https://example.org/home/jane/licence.txt',
  'names of layers: /encoder/layers.0/attn/MatMul',
  'accuracy on/off, 3/4 of the data, and/or ./data/labels.txt',
  'QUJD/tmp/REVG',
  'A: pictures are scaled to 0..1',
  '',
])('leaves other texts as they are: %s', (text) => {
  expect(withoutLocalPaths(text)).toBe(text);
});
