import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { convGeometry, transposePermutation } from '../../../src/model/ops/defaults.ts';

const node = (body: string) =>
  parseModel(`<ir_version: 8, opset_import: ["" : 17]>\nagraph ${body}`).graph.nodes[0]!;

describe('convGeometry', () => {
  it('fills in what the node leaves out, the kernel from the weight', () => {
    expect(
      convGeometry(node('(float[1,4,9,9] x, float[8,2,3,5] w) => (y) { y = Conv <group = 2> (x, w) }')),
    ).toEqual({
      kernel: [3, 5],
      strides: [1, 1],
      dilations: [1, 1],
      pads: [0, 0, 0, 0],
      group: 2,
      autoPad: 'NOTSET',
      ceilMode: false,
      outputPadding: [0, 0],
      outputShape: null,
    });
  });

  it('resolves SAME padding from the input size, the odd pixel at the end or at the beginning', () => {
    const same = (mode: string) =>
      convGeometry(
        node(`(float[1,3,224,224] x, float[8,3,3,3] w) => (y) {
          y = Conv <auto_pad = "${mode}", strides = [2,2]> (x, w) }`),
      )?.pads;
    expect(same('SAME_UPPER')).toEqual([0, 0, 1, 1]);
    expect(same('SAME_LOWER')).toEqual([1, 1, 0, 0]);
    expect(same('VALID')).toEqual([0, 0, 0, 0]);
  });

  it('leaves SAME padding over symbols open, and has no geometry without a kernel', () => {
    const open = node(
      '(float[1,3,H,W] x, float[8,3,3,3] w) => (y) { y = Conv <auto_pad = "SAME_UPPER"> (x, w) }',
    );
    expect(convGeometry(open)?.pads).toBeNull();
    expect(
      convGeometry(node('(float[1,3,H,W] x, float w) => (y) { y = Conv (x, w) }'))?.kernel ?? [],
    ).toEqual([]);
  });
});

describe('transposePermutation', () => {
  it('turns the axes round where the node says nothing', () => {
    expect(transposePermutation(node('(float[1,2,3] x) => (y) { y = Transpose (x) }'))).toEqual([2, 1, 0]);
  });
});
