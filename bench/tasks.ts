/** Models of every task through `--int8`, with data and without: the task that is recognised, the measure that stands for it, and what the
 *  report says.
 *
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/tasks.ts [name …]
 *
 *  Without EDGEPRESS_ZOO the shipped models alone. MiniLM, SmolLM2 and PP-OCR are looked for in ~/.cache/edgepress-zoo, where the zoo's script
 *  puts them. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { compress } from '../src/jobs/compress.ts';
import { formatMeasure, mainMeasure } from '../src/judge/report/measure-words.ts';
import { formatMetric } from '../src/judge/report/metrics.ts';
import type { Report } from '../src/judge/report/report.ts';
import { Diagnostic } from '../src/support/diagnostics.ts';
import { formatTimes } from '../src/support/units.ts';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const zoo = process.env['EDGEPRESS_ZOO'];
const shipped = (p: string) => path.join(root, 'fixtures', p);
const inZoo = (p: string) => (zoo ? path.join(zoo, p) : null);
const large = (p: string) => path.join(homedir(), '.cache/edgepress-zoo', p);

interface Case {
  readonly name: string;
  readonly model: string | null;
  readonly data?: string | null;
  readonly calibrate?: number;
}

const photos = inZoo('data/sample-images');
const cases: readonly Case[] = [
  { name: 'glyphs-cnn', model: shipped('models/glyphs-cnn.onnx'), data: shipped('data/glyphs') },
  {
    name: 'sentiment encoder',
    model: shipped('models/sentiment-encoder.onnx'),
    data: shipped('data/sentiment.npz'),
  },
  { name: 'sentences GPT-2', model: shipped('models/sentences-gpt2.onnx') },
  { name: 'dates T5 encoder', model: shipped('models/dates-t5-encoder.onnx') },
  { name: 'digits ViT', model: shipped('models/digits-vit.onnx') },
  {
    name: 'MobileNetV2',
    model: inZoo('models/imagenet-mobilenetv2-f32/mobilenetv2.onnx'),
    data: inZoo('data/imagenet'),
  },
  {
    name: 'UltraFace',
    model: inZoo('models/onnx-ultraface/version-RFB-320.onnx'),
    data: photos,
    calibrate: 3,
  },
  { name: 'PP-OCR detector', model: large('ocr/det.onnx'), data: photos, calibrate: 3 },
  { name: 'PP-OCR reader', model: large('ocr/rec.onnx') },
  { name: 'selfie mask', model: inZoo('models/tfjs-human/selfie/selfie.json'), data: photos, calibrate: 3 },
  { name: 'facemesh', model: inZoo('models/tfjs-human/facemesh/facemesh.json'), data: photos, calibrate: 3 },
  { name: 'super-resolution', model: inZoo('models/onnx-super-resolution/super-resolution-10.onnx') },
  {
    name: 'KWT-1',
    model: inZoo('models/onnx-kwt1/kwt1.onnx'),
    data: inZoo('models/onnx-silero-vad/test.wav'),
  },
  {
    name: 'silero-vad',
    model: inZoo('models/onnx-silero-vad/silero_vad.onnx'),
    data: inZoo('models/onnx-silero-vad/test.wav'),
  },
  {
    name: 'basic-pitch',
    model: inZoo('models/onnx-basic-pitch/nmp.onnx'),
    data: inZoo('models/onnx-basic-pitch/vocadito_10.wav'),
  },
  { name: 'anomaly autoencoder', model: inZoo('models/mlperf-tiny/ad01_autoencoder.onnx') },
  { name: 'character LSTM', model: inZoo('models/onnx-charrnn-shakespeare/charrnn.onnx') },
  { name: 'MiniLM', model: large('minilm/onnx/model.onnx'), data: inZoo('data/text/sst2') },
  { name: 'SmolLM2-135M', model: large('smollm2/onnx/model.onnx') },
];

function row(name: string, data: string, report: Report): string {
  const { task, source, result, verdict } = report;
  const metric = report.evaluation?.metrics[0];
  const measure = mainMeasure(report);
  const quality =
    metric?.before != null && metric.after != null
      ? `${metric.name} ${formatMetric(metric, metric.before)} → ${formatMetric(metric, metric.after)}`
      : measure
        ? `${measure.name} ${formatMeasure(measure)}`
        : 'not measured';
  const on = report.compare
    ? `${report.compare.samples} ${report.probe ? report.probe.kind : 'held back'}`
    : '–';
  const smaller = formatTimes(source.sizeBytes / result.sizeBytes);
  return `| ${[name, task?.name ?? '–', data, report.precision.mode, smaller, quality, on, verdict.level].join(' | ')} |`;
}

async function main(names: readonly string[]): Promise<void> {
  console.log('| model | task | data | int8 | times smaller | measure | on | verdict |');
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const { name, model, data, calibrate } of cases) {
    if (names.length > 0 && !names.includes(name)) continue;
    if (!model || !existsSync(model)) continue;
    for (const given of data && existsSync(data) ? [data, undefined] : [undefined]) {
      const said = given ? path.basename(given) : 'none';
      try {
        const { report } = await compress(model, {
          ...{ int8: true, measure: false, cache: false },
          ...(given && { data: given, ...(calibrate && { calibrate }) }),
        });
        console.log(row(name, said, report));
      } catch (error) {
        if (!(error instanceof Diagnostic)) throw error;
        console.log(`| ${name} | – | ${said} | ${error.code} | – | – | – | – |`);
      }
    }
  }
}

await main(process.argv.slice(2));
