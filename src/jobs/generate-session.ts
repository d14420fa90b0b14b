/** A decoder opened from files: model, encoder, and what the configuration beside them says. */
import type { Engine } from '../compute/engine/contract.ts';
import { openOn } from '../compute/engine/open-model.ts';
import type { Stoppable } from '../compute/engine/run-context.ts';
import { readModelConfig } from '../data/text/model-config.ts';
import { positionLimit } from '../data/text/position-limit.ts';
import type { Decoder } from '../judge/generate/decoder.ts';
import { openDecoder } from '../judge/generate/open.ts';
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
  const config = readModelConfig(folderOf(model));
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
