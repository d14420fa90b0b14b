/** What a model is for, with what lies beside its file: config.json as transformers writes it, files of sentence embeddings. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { DataSource } from '../data/source.ts';
import type { Beside } from '../judge/task/named-task.ts';
import { recogniseTask } from '../judge/task/recognise.ts';
import type { Task } from '../judge/task/task.ts';
import { type OpenedModel, pathsOf } from '../model/formats/opened.ts';
import type { TaskName } from '../support/task.ts';

/** @param asked  what somebody says that it is for
 *  @param source  samples, where there are some: their labels may say it
 *  @throws TASK_UNFIT */
export const taskOf = (
  opened: OpenedModel,
  asked: TaskName | undefined,
  source: Pick<DataSource, 'labelled'> | null = null,
): Task =>
  recogniseTask(opened.model, { asked, labelled: source?.labelled ?? false, ...besideModel(opened) });

const sentenceFiles = ['config_sentence_transformers.json', 'modules.json'];

/** In the model's folder, or the one above: exports stand in a folder "onnx". */
function besideModel(opened: OpenedModel): Beside {
  const [file] = pathsOf(opened);
  if (file === undefined) return {};
  const folder = path.dirname(path.resolve(file));
  const folders = path.basename(folder) === 'onnx' ? [folder, path.dirname(folder)] : [folder];
  const configs = folders.map((f) => readConfig(path.join(f, 'config.json'))).filter((c) => c !== undefined);
  const isSentenceModel = folders.some((f) => sentenceFiles.some((name) => existsSync(path.join(f, name))));
  return { config: configs[0], isSentenceModel };
}

/** Anything may lie there under that name: what can't be read says nothing. */
function readConfig(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
