/** What the configuration files beside a model of text say. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ModelConfig {
  /** What an encoder–decoder begins to write with. */
  readonly start: number | null;
  /** Tokens that end a text. */
  readonly stop: readonly number[] | null;
  /** Names of classes, by index. */
  readonly classes: readonly string[] | undefined;
}

/** Of generation_config.json and config.json beside the model, or one folder up, where transformers.js keeps them. */
export function readModelConfig(folder: string | null): ModelConfig {
  const found: Record<string, unknown> = {};
  for (const place of folder === null ? [] : [join(folder, '..'), folder])
    for (const name of ['config.json', 'generation_config.json'])
      Object.assign(found, parsed(join(place, name)));
  const start = found['decoder_start_token_id'];
  const ends = [found['eos_token_id']].flat().filter((id) => typeof id === 'number');
  return {
    start: typeof start === 'number' ? start : null,
    stop: ends.length > 0 ? ends : null,
    classes: namesOf(found['id2label']),
  };
}

/** LABEL_0, LABEL_1 … are names of nothing. */
function namesOf(map: unknown): readonly string[] | undefined {
  if (typeof map !== 'object' || map === null) return undefined;
  const entries = Object.entries(map);
  const names = entries.map((_, i) => (map as Record<string, unknown>)[String(i)]);
  const named = names.every((name) => typeof name === 'string' && !/^LABEL_\d+$/.test(name));
  return names.length > 0 && named ? (names as string[]) : undefined;
}

/** A file that is not a JSON object says nothing: it may belong to something else. */
function parsed(path: string): object {
  if (!existsSync(path)) return {};
  try {
    const json: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof json === 'object' && json !== null ? json : {};
  } catch {
    return {};
  }
}
