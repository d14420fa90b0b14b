/** SentencePiece's byte-pair encoding from llama2.c's tokenizer.bin: pieces with scores, of which neighbours are joined,
 *  the best score first. Layout, little-endian: int32 longest piece, then for each id float32 score, int32 length,
 *  bytes. Source: karpathy/llama2.c. */
import { tokenizerInvalid, tokenUnknown } from '../../support/diagnostics/generation.ts';
import type { TextTokenizer } from './tokenizer.ts';

export interface ScoredPiece {
  /** One char a byte, so that any bytes are a key. */
  readonly piece: string;
  readonly score: number;
}

/** SentencePiece's ids: 0 unknown, 1 begins a text, 2 ends one; then the 256 bytes. */
const [begin, end, firstByte] = [1, 2, 3];

/** @throws TOKENIZER_INVALID */
export function parseScoredPieces(bytes: Uint8Array, name: string): ScoredPiece[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieces: ScoredPiece[] = [];
  for (let at = 4; at < bytes.length; ) {
    const length = at + 8 <= bytes.length ? view.getInt32(at + 4, true) : -1;
    if (length < 0 || at + 8 + length > bytes.length)
      throw tokenizerInvalid(name, `its piece ${pieces.length} does not end where the file does`);
    const score = view.getFloat32(at, true);
    pieces.push({ piece: binary(bytes.subarray(at + 8, at + 8 + length)), score });
    at += 8 + length;
  }
  if (pieces.length <= firstByte + 256) throw tokenizerInvalid(name, 'it has no pieces beside single bytes');
  return pieces;
}

const binary = (bytes: Uint8Array) => Array.from(bytes, (b) => String.fromCharCode(b)).join('');
const utf8 = (text: string) => binary(new TextEncoder().encode(text));

export function scoredTokenizer(pieces: readonly ScoredPiece[], name: string): Omit<TextTokenizer, 'hash'> {
  const ids = new Map(pieces.map(({ piece }, id) => [piece, id]));
  // Text falls apart in front of its words where no piece reaches from one into the next: each is joined by itself.
  const apart = pieces.every(({ piece }, id) => id < firstByte + 256 || !/[^ ] /.test(piece));
  const encodePart = (text: string): number[] => merge(spell(text, ids, name), pieces, ids);
  return {
    // Where a new text begins, the one before has ended.
    stopTokens: [begin, end],
    padToken: null,
    hasMask: false,
    encode(text, most) {
      // SentencePiece puts a space in front of a text.
      const parts = text === '' ? [] : apart ? ` ${text}`.split(/(?<=[^ ])(?= )/) : [` ${text}`];
      return [begin, ...parts.flatMap(encodePart)].slice(0, most);
    },
    decode(all) {
      const bytes = all.map((id, i) => bytesOf(id, pieces, i === 0 || all[i - 1] === begin)).join('');
      return new TextDecoder().decode(Uint8Array.from(bytes, (c) => c.charCodeAt(0)));
    },
  };
}

/** Characters as pieces; those that are none, as their bytes. */
function spell(text: string, ids: ReadonlyMap<string, number>, name: string): number[] {
  return [...text].flatMap((char) => {
    const known = ids.get(utf8(char));
    if (known !== undefined) return [known];
    return Array.from(new TextEncoder().encode(char), (byte) => {
      const id = ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
      if (id === undefined) throw tokenUnknown(char, name);
      return id;
    });
  });
}

function merge(
  spelled: number[],
  pieces: readonly ScoredPiece[],
  ids: ReadonlyMap<string, number>,
): number[] {
  const tokens = [...spelled];
  for (;;) {
    let best = { at: -1, id: -1, score: Number.NEGATIVE_INFINITY };
    for (let i = 0; i + 1 < tokens.length; i++) {
      const id = ids.get(pieces[tokens[i]!]!.piece + pieces[tokens[i + 1]!]!.piece);
      if (id !== undefined && pieces[id]!.score > best.score) best = { at: i, id, score: pieces[id]!.score };
    }
    if (best.at < 0) return tokens;
    tokens.splice(best.at, 2, best.id);
  }
}

/** @param first  a text loses the space in front of it */
function bytesOf(id: number, pieces: readonly ScoredPiece[], first: boolean): string {
  if (id < firstByte || id >= pieces.length) return '';
  const { piece } = pieces[id]!;
  const byte = /^<0x([0-9A-F]{2})>$/.exec(piece);
  if (byte) return String.fromCharCode(Number.parseInt(byte[1]!, 16));
  return first && piece.startsWith(' ') ? piece.slice(1) : piece;
}
