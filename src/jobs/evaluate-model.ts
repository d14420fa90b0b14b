/** Task accuracy of one model. */
import { readAll } from '../calibrate/read-all.ts';
import { createClassificationMeter } from '../evaluate/classification.ts';
import { elementCount, float32Values } from '../ir/tensor.ts';
import type { Report } from '../report/report.ts';
import { createBreather } from '../support/breathe.ts';
import { noScores } from '../support/diagnostics.ts';
import {
  classificationMetrics,
  feedsFor,
  openSubject,
  type RunPairOptions,
  type Subject,
  scoresOutput,
} from './run-pair.ts';

/** Metrics in `after`; `before` is null. @throws NO_CLASS_SCORES, LABEL_RANGE, what engine and source throw */
export async function evaluateModel(
  subject: Subject,
  { engine, source, indices, signal, onProgress }: RunPairOptions,
): Promise<NonNullable<Report['evaluation']>> {
  const session = await openSubject(engine, subject);
  try {
    const port = scoresOutput(session.outputs);
    if (!port) throw noScores(session.outputs.map((p) => p.name));
    const meter = createClassificationMeter();
    const breathe = createBreather();
    let done = 0;
    let classes = 0;
    for await (const sample of readAll(source, indices)) {
      signal?.throwIfAborted();
      const scores = (await session.run(feedsFor(session, sample), [port.name]))[port.name]!;
      classes = elementCount(scores.dims);
      if (sample.label !== undefined) meter.add(float32Values(scores), sample.label);
      onProgress?.(++done, indices.length);
      await breathe();
    }
    return classificationMetrics(null, meter, classes, `${engine.name} ${engine.version}`);
  } finally {
    await session.close();
  }
}
