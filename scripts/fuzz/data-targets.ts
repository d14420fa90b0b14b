/** What reads samples and labels of others. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { parseCoco } from '../../src/data/annotations/coco.ts';
import { placeBoxes } from '../../src/data/annotations/place-boxes.ts';
import { decodeMask, placeMask } from '../../src/data/annotations/png-mask.ts';
import { parseYolo } from '../../src/data/annotations/yolo.ts';
import { tensorOfBin } from '../../src/data/bin.ts';
import { parseLabelCsv, parseLabelJson } from '../../src/data/labels.ts';
import { openData } from '../../src/data/open.ts';
import { decodeText } from '../../src/data/text/decode-text.ts';
import { parseTexts } from '../../src/data/text/parse-texts.ts';
import type { Target } from './targets.ts';

const text = (...lines: string[]) => new TextEncoder().encode(lines.join('\n'));
const json = (value: unknown) => text(JSON.stringify(value));

/** A WAV file of zeros and a fmt chunk as given. */
function wav(format: number, channels: number, rate: number, bits: number, frames = 600): Uint8Array {
  const block = (channels * bits) / 8;
  const bytes = Buffer.alloc(44 + frames * block, 1);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(format, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(rate * block, 28);
  bytes.writeUInt16LE(block, 32);
  bytes.writeUInt16LE(bits, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(frames * block, 40);
  return new Uint8Array(bytes);
}

const placement = {
  ...{ width: 64, height: 48 },
  geometry: { resizeTo: { width: 32, height: 24 }, box: { left: 4, top: -4, width: 24, height: 32 } },
};

let scratch: string | null = null;

/** A file's path in a folder that goes with the process. */
function place(name: string): string {
  if (scratch === null) {
    const made = mkdtempSync(join(tmpdir(), 'edgepress-fuzz-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    scratch = made;
  }
  return join(scratch, name);
}

const texts = (extension: string, ...seeds: readonly Uint8Array[]): Target => ({
  form: 'bytes',
  seeds: async () => seeds,
  run(bytes) {
    parseTexts(decodeText(bytes, `t${extension}`), `t${extension}`);
  },
});

export const dataTargets: Readonly<Record<string, Target>> = {
  wav: {
    form: 'bytes',
    seeds: async () => [wav(1, 1, 8000, 16), wav(1, 2, 44100, 8), wav(3, 1, 16000, 32), wav(7, 1, 8000, 8)],
    async run(bytes) {
      const path = place('sound.wav');
      writeFileSync(path, bytes);
      const port = { name: 'audio', dtype: 'float32', shape: [1, 256] } as const;
      const source = await openData(path, [port], { seed: 0, sampleRate: 16000, limit: 3 });
      for (let i = 0; i < source.length; i++) await source.read(i);
    },
  },
  txt: texts('.txt', text('a line', 'ünd anøther', '')),
  csv: texts('.csv', text('text,label', '"a, ""b""",1', 'c,0'), text('sentence1;sentence2', 'a;b', 'c;d')),
  tsv: texts('.tsv', text('a\t1', 'b\t0')),
  jsonl: texts('.jsonl', text('{"text":"a","label":1}', '{"text":"b","label":0}'), text('[1,2,3]', '[4]')),
  'text-json': texts(
    '.json',
    json({ data: [{ text: 'a', label: 'x' }] }),
    json([[{ role: 'user', content: 'a' }]]),
    json({ ids: [[1, 2], [3]] }),
  ),
  coco: {
    form: 'json',
    seeds: async () => [
      json({
        images: [{ id: 1, file_name: '1.png', width: 64, height: 48 }],
        annotations: [{ id: 1, image_id: 1, category_id: 7, bbox: [1, 2, 30, 40], iscrowd: 0, area: 9 }],
        categories: [{ id: 7, name: 'cat' }],
      }),
      json({ images: [{ id: 'a', file_name: 'x/1.png' }], annotations: [{ image_id: 'a', category_id: 0 }] }),
    ],
    run(bytes) {
      const { pictures } = parseCoco(JSON.parse(new TextDecoder().decode(bytes)), 'x.json', ['cat', 'dog']);
      for (const boxes of pictures.values()) placeBoxes(boxes, placement, 'x.json');
    },
  },
  yolo: {
    form: 'bytes',
    seeds: async () => [
      text('0 0.5 0.5 0.1 0.2', '3 0.1 0.2 0.1 0.1'),
      text('1 0.1 0.1 0.5 0.1 0.5 0.4 0.2 0.3'),
    ],
    run(bytes) {
      const boxes = parseYolo(decodeText(bytes, 'x.txt'), 'x.txt');
      if (boxes) placeBoxes({ boxes, size: { width: 1, height: 1 } }, placement, 'x.txt');
    },
  },
  mask: {
    form: 'bytes',
    seeds: async () => {
      const grey = sharp(new Uint8Array(48).fill(3), { raw: { width: 8, height: 6, channels: 1 } });
      const colours = sharp({ create: { width: 8, height: 6, channels: 3, background: '#800' } });
      return Promise.all(
        [grey.toColourspace('b-w').png(), colours.png({ palette: true })].map((s) => s.toBuffer()),
      );
    },
    async run(bytes) {
      placeMask(await decodeMask(bytes, 'm.png'), placement, 'm.png');
    },
  },
  'label-csv': {
    form: 'bytes',
    seeds: async () => [text('file,label', 'a.png,1', 'b.png,0'), text('val/1.JPEG 65', 'val/2.JPEG 3')],
    run: (bytes) => void parseLabelCsv(decodeText(bytes, 'l.csv'), 'l.csv'),
  },
  'label-json': {
    form: 'json',
    seeds: async () => [json([{ file: 'a.png', index: 1, name: 'x' }]), json({ 'a.png': 'x', 'b.png': 'y' })],
    run: (bytes) => void parseLabelJson(new TextDecoder().decode(bytes), 'l.json'),
  },
  bin: {
    form: 'bytes',
    seeds: async () => [new Uint8Array(48), new Uint8Array(12).fill(200)],
    run(bytes) {
      tensorOfBin(bytes, { name: 'x', dtype: 'float32', shape: ['N', 3] }, undefined, 'x.bin');
    },
  },
};
