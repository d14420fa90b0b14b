/** Recordings decoded: WAV by a header that is checked first, compressed ones as a whole. */
import { soundInvalid } from '../../support/diagnostics/data.ts';
import { formatInteger } from '../../support/units.ts';

export interface Decoded {
  readonly sampleRate: number;
  /** Each of as many samples. */
  readonly channels: readonly Float32Array[];
}

type Decode = (bytes: Uint8Array) => Promise<{ channelData: Float32Array[]; sampleRate: number }>;

const flac = async (): Promise<Decode> => (await import('@audio/decode-flac')).default;
const mp3 = async (): Promise<Decode> => (await import('@audio/decode-mp3')).default;
const opus = async (): Promise<Decode> => (await import('@audio/decode-opus')).default;
const vorbis = async (): Promise<Decode> => (await import('@audio/decode-vorbis')).default;

/** What a file's first bytes, a letter each, say that it holds. */
const kinds: readonly { readonly is: RegExp; readonly load: () => Promise<Decode> }[] = [
  { is: /^fLaC/, load: flac },
  { is: /^OggS.*OpusHead/s, load: opus },
  { is: /^OggS.*vorbis/s, load: vorbis },
  // A tag, or 11 bits of synchronisation and a layer.
  { is: /^(ID3|\xff[\xe2-\xe7\xea-\xef\xf2-\xf7\xfa-\xff])/, load: mp3 },
];

/** Endings of recordings that are decoded as a whole. */
export const compressedSounds: ReadonlySet<string> = new Set(['.mp3', '.flac', '.ogg', '.oga', '.opus']);

/** Samples of a channel that are decoded at most: three quarters of an hour at 48 000 a second. */
const mostFrames = 2 ** 27;

/** Samples of a channel, as a FLAC or Ogg file says before it is decoded: silence compresses to next to nothing.
 *  @returns null where it doesn't say
 *  @see RFC 9639, 8.2 (total samples of STREAMINFO); RFC 3533, 6 (the granule position of a page) */
export function framesSaid(bytes: Uint8Array): number | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const startsWith = (at: number, letters: string) =>
    [...letters].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
  if (startsWith(0, 'fLaC')) {
    if (bytes.length < 26) return null;
    const frames = (view.getUint8(21) & 15) * 2 ** 32 + view.getUint32(22);
    return frames === 0 ? null : frames;
  }
  let most: number | null = null;
  for (let at = 0; at + 27 <= bytes.length && startsWith(at, 'OggS'); ) {
    const position = Number(view.getBigInt64(at + 6, true));
    // −1: no packet ends on this page.
    if (position >= 0) most = Math.max(most ?? 0, position);
    const segments = bytes.subarray(at + 27, at + 27 + view.getUint8(at + 26));
    at += 27 + segments.length + segments.reduce((sum, size) => sum + size, 0);
  }
  return most;
}

/** @param bytes  FLAC, MP3, or Opus or Vorbis in Ogg
 *  @throws SOUND_INVALID */
export async function decodeCompressed(bytes: Uint8Array, name: string): Promise<Decoded> {
  const head = String.fromCharCode(...bytes.subarray(0, 512));
  const kind = kinds.find(({ is }) => is.test(head));
  if (!kind) throw soundInvalid(name, 'it is no FLAC, MP3, Opus or Vorbis file');
  const said = framesSaid(bytes);
  if (said !== null && said > mostFrames)
    throw soundInvalid(
      name,
      `it says that it holds ${formatInteger(said)} samples; at most ${formatInteger(mostFrames)} are decoded`,
    );
  const decode = await kind.load();
  const { channelData, sampleRate } = await guarded(name, () => decode(bytes));
  if (!channelData[0]?.length || !sampleRate)
    throw soundInvalid(name, 'it holds no samples, or is not whole');
  return { sampleRate, channels: channelData };
}

/** @throws SOUND_INVALID */
export async function decodeWav(bytes: Uint8Array, name: string): Promise<readonly Float32Array[]> {
  const { default: decode } = await import('@audio/decode-wav');
  return (await guarded(name, async () => decode(bytes))).channelData;
}

async function guarded<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw soundInvalid(name, cause instanceof Error ? cause.message : String(cause), cause);
  }
}
