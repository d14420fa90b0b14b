/** What a search that was stopped leaves: the best that it had found, as it was compared on the samples that chose it. */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Report, reportSchema } from '../../judge/report/report.ts';
import { reportFiles } from '../../judge/report/report-files.ts';
import type { Search } from '../../judge/report/search.ts';
import { writeModelFile } from '../../model/formats/file.ts';
import { formatOfName, withoutExtension } from '../../model/formats/index.ts';
import { openModel } from '../../model/formats/open-file.ts';
import { createStage } from '../../ship/emit/write.ts';
import type { CompressedFile } from '../compress-file.ts';
import { outputPath } from '../output-path.ts';
import { fetchFiles } from '../sweep/do-job.ts';
import type { Store } from '../sweep/store.ts';
import type { Tried } from './search.ts';

interface Early {
  readonly store: Store;
  /** For files in between. */
  readonly folder: string;
  /** The model that was searched for, as it is called. */
  readonly model: string;
  readonly output: string | undefined;
  readonly command: string;
}

const unproven =
  'The search was stopped: this is the best so far, compared with the original on the samples that chose it, and on no others.';

/** @throws OUTPUT_UNWRITABLE */
export async function finishEarly(
  { result }: Tried,
  search: Search,
  { store, folder, model, output, command }: Early,
): Promise<CompressedFile> {
  const from = path.join(folder, 'best');
  await fetchFiles(result!, store, from);
  const made = openModel(path.join(from, result!.files[0]!.name));
  const json = result!.files.find(({ name }) => name.endsWith('.report.json'))!;
  const report = reportSchema.parse(JSON.parse(readFileSync(path.join(from, json.name), 'utf8')));
  const ending = path.basename(withoutExtension(result!.files[0]!.name)).replace(/^model/, '');
  const format = formatOfName(result!.files[0]!.name).id;
  const place = outputPath(model, ending, {
    output,
    format: format === 'tfjs' || format === 'tflite' ? format : undefined,
  });
  mkdirSync(path.dirname(place), { recursive: true });
  const stage = createStage(place);
  try {
    const written = writeModelFile(made.model, stage.pathOf(place), {});
    const targets = written.map((file) => path.join(path.dirname(place), path.basename(file)));
    const reports = ['html', 'md', 'json'].map((kind) => `${withoutExtension(place)}.report.${kind}`);
    const full: Report = {
      ...report,
      ...{ command, search, files: [...targets, ...reports], next: [] },
      result: { ...report.result, file: path.basename(place) },
      verdict: {
        ...report.verdict,
        level: report.verdict.level === 'bad' ? 'bad' : 'warn',
        warnings: [{ level: 'warn', text: unproven }, ...report.verdict.warnings],
      },
    };
    for (const file of await reportFiles(full, reports)) stage.write(file.path, file.content);
    stage.commit();
    return { report: full, model: made.model };
  } finally {
    stage.discard();
  }
}
