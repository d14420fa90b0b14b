/** A decoder opened from files: model, encoder, and what the configuration beside them says. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../compute/engine/contract.ts';
import { openOn } from '../compute/engine/open-model.ts';
import type { Stoppable } from '../compute/engine/run-context.ts';
import type { Decoder } from '../judge/generate/decoder.ts';
import { openDecoder } from '../judge/generate/open.ts';
import { positionLimit } from '../judge/generate/position-limit.ts';
import { folderOf, type ModelInput } from '../model/formats/open-file.ts';
import { readModel } from './read-model.ts';

export interface GeneratorFiles extends Stoppable {
  readonly model: ModelInput;
  /** The other half of an encoder–decoder pair. */
  readonly encoder?: ModelInput | undefined;
  /** Most tokens that the model sees at once (default: what its table of positions says). */
  readonly window?: number | undefined;
  /** What an encoder–decoder begins to write with (default: config.json's, else the pad token, else 0). */
  readonly startToken?: number | undefined;
}

export interface Generator {
  readonly decoder: Decoder;
  /** Tokens that end a text, by generation_config.json or config.json; null where they don't say. */
  readonly stopTokens: readonly number[] | null;
  close(): Promise<void>;
}

/** @param padToken  the tokeniser's, to begin with where no configuration says with what
 *  @throws what reading and opening models throw; what openDecoder throws */
export async function openGenerator(
  engine: Engine,
  files: GeneratorFiles,
  padToken: number | null = null,
): Promise<Generator> {
  // Before engines open them: what is not there, or no model, is said in our words.
  const run = { events: {}, signal: files.signal };
  const model = await readModel(files.model, {}, run);
  const encoderModel = files.encoder ? await readModel(files.encoder, {}, run) : null;
  const config = configuration(folderOf(model));
  const start = files.startToken ?? config.start ?? padToken;
  const [limit, maxSource] = [model, encoderModel].map((opened) => opened && positionLimit(opened.model));
  const session = await openOn(engine, model);
  const encoder = encoderModel
    ? await openOn(engine, encoderModel).catch((error: unknown) => closing(session, error))
    : undefined;
  const close = async () => {
    await session.close();
    await encoder?.close();
  };
  try {
    const decoder = openDecoder(session, {
      encoder,
      maxLength: files.window ?? limit,
      maxSource,
      startTokens: start === null ? undefined : [start],
    });
    return { decoder, stopTokens: config.stop, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function closing(session: { close(): Promise<void> }, error: unknown): Promise<never> {
  await session.close();
  throw error;
}

interface Configuration {
  readonly start: number | null;
  readonly stop: readonly number[] | null;
}

/** generation_config.json and config.json beside the model, or one folder up, where transformers.js keeps them. */
function configuration(folder: string | null): Configuration {
  const found: Record<string, unknown> = {};
  for (const place of folder === null ? [] : [join(folder, '..'), folder])
    for (const name of ['config.json', 'generation_config.json'])
      Object.assign(found, parsed(join(place, name)));
  const start = found['decoder_start_token_id'];
  const ends = [found['eos_token_id']].flat().filter((id) => typeof id === 'number');
  return { start: typeof start === 'number' ? start : null, stop: ends.length > 0 ? ends : null };
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
