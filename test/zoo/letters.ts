/** A picture with a line of letters, for a text detector: noise has no text, and the answer to it is all zero. */
import { type Tensor, tensorOf } from '../../src/model/ir/tensor.ts';

const font: Record<string, string> = {
  A: '01110 10001 11111 10001 10001',
  E: '11111 10000 11110 10000 11111',
  H: '10001 10001 11111 10001 10001',
  L: '10000 10000 10000 10000 11111',
  O: '01110 10001 10001 10001 01110',
  T: '11111 00100 00100 00100 00100',
};

/** Black on white, letters of 25 by 25 pixels, normalised roughly as for ImageNet. @returns [1, 3, 96, 320] */
export function pictureOfLetters(text: string): Tensor {
  const [width, height, dot] = [320, 96, 5];
  const grey = new Float32Array(width * height).fill(1);
  [...text].forEach((letter, k) => {
    font[letter]!.split(' ').forEach((row, r) => {
      [...row].forEach((bit, c) => {
        if (bit === '0') return;
        for (let y = 0; y < dot; y++) {
          const start = (30 + r * dot + y) * width + 8 + k * 30 + c * dot;
          grey.fill(0, start, start + dot);
        }
      });
    });
  });
  const values = Float32Array.from(
    { length: 3 * grey.length },
    (_, i) => (grey[i % grey.length]! - 0.45) / 0.225,
  );
  return tensorOf('float32', [1, 3, height, width], values);
}
