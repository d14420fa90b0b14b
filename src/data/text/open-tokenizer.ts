/** The tokeniser that a command was given, or that lies beside the model. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { folderOf, type ModelInput } from '../../model/formats/open-file.ts';
import { idsInvalid, tokenizerRequired } from '../../support/diagnostics/generation.ts';
import { readProblem } from '../../support/read-problem.ts';
import { readTokenizer, type TextTokenizer } from './tokenizer.ts';

export interface TokenizerChoice {
  /** Beside which it may lie. */
  readonly model?: ModelInput | undefined;
  /** tokenizer.json, a vocabulary, or llama2.c's tokenizer.bin. */
  readonly tokenizer?: string | undefined;
  /** Texts are token ids with spaces between. */
  readonly ids?: boolean | undefined;
}

/** @param what  that needs it, for the message: "A prompt in words"
 *  @throws TOKENIZER_REQUIRED, TOKENIZER_INVALID, FILE_NOT_FOUND … */
export async function openTokenizer(choice: TokenizerChoice, what: string): Promise<TextTokenizer> {
  if (choice.ids) return idTokenizer;
  const path = choice.tokenizer ?? (choice.model === undefined ? null : beside(folderOf(choice.model)));
  if (path === null) throw tokenizerRequired(what);
  const settings = join(dirname(path), 'tokenizer_config.json');
  return readTokenizer({
    name: basename(path),
    bytes: readBytes(path),
    config: existsSync(settings) ? parsed(settings) : undefined,
  });
}

/** In the model's folder or one up, where transformers.js keeps it; else the vocabulary in the model's folder, if words aren't merged from
 *  its parts. */
function beside(folder: string | null): string | null {
  if (folder === null) return null;
  const isThere = (...parts: string[]) => existsSync(join(folder, ...parts));
  const up = ['.', '..'].find((place) => isThere(place, 'tokenizer.json'));
  if (up !== undefined) return join(folder, up, 'tokenizer.json');
  return isThere('vocab.json') && !isThere('merges.txt') ? join(folder, 'vocab.json') : null;
}

function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw readProblem(path, error);
  }
}

/** A configuration that can't be read has no say; the tokeniser works without. */
function parsed(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** "1 403 407" or "1,403,407". */
const idTokenizer: TextTokenizer = {
  stopTokens: [],
  padToken: null,
  hasMask: false,
  hash: 'ids',
  encode(text, most) {
    const words = text.split(/[\s,]+/).filter((w) => w !== '');
    return words
      .map((word) => {
        if (!/^\d+$/.test(word) || !Number.isSafeInteger(Number(word))) throw idsInvalid(word);
        return Number(word);
      })
      .slice(0, most);
  },
  decode: (ids) => ids.join(' '),
};
