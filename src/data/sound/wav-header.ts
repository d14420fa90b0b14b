/** What a WAV file says of itself, checked before anything is decoded by it. Layout: RIFF, "fmt " and "data" chunks, little-endian;
 *  Microsoft, Multiple Channel Audio Data and WAVE Files, 2007. */
import { soundInvalid } from '../../support/diagnostics/data.ts';

export interface WavHeader {
  readonly sampleRate: number;
  readonly channels: number;
  /** Of each channel. */
  readonly frames: number;
}

/** PCM, float, A-law, µ-law. */
const formats = new Set([1, 3, 6, 7]);
const extensible = 0xfffe;

/** Beyond these a file is damaged, or made to be. */
const most = { channels: 64, rate: 1_000_000 };

/** @param bytes  the file, or its beginning
 *  @param sizeBytes  of the whole file
 *  @returns null where the beginning is too short to say
 *  @throws SOUND_INVALID */
export function wavHeader(bytes: Uint8Array, sizeBytes: number, name: string): WavHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE')
    throw soundInvalid(name, 'it is no WAV file');
  let format: (Omit<WavHeader, 'frames'> & { readonly blockBytes: number }) | null = null;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true);
    if (tag(at) === 'fmt ') {
      if (at + 24 > bytes.length) break;
      format = formatChunk(view, at + 8, size, name);
    }
    if (tag(at) === 'data') {
      if (!format) throw soundInvalid(name, 'its samples come before what says how they are stored');
      const there = sizeBytes - at - 8;
      // What is written while it is recorded has no length yet.
      const stored = size === 0 || size === 0xffffffff ? there : Math.min(size, there);
      const { sampleRate, channels, blockBytes } = format;
      return { sampleRate, channels, frames: Math.floor(stored / blockBytes) };
    }
    // Chunks begin at even places.
    at += 8 + size + (size % 2);
  }
  if (bytes.length >= sizeBytes) throw soundInvalid(name, 'it holds no samples');
  return null;
}

function formatChunk(view: DataView, at: number, size: number, name: string) {
  const isExtensible = view.getUint16(at, true) === extensible && size >= 26 && at + 26 <= view.byteLength;
  const format = view.getUint16(isExtensible ? at + 24 : at, true);
  const channels = view.getUint16(at + 2, true);
  const sampleRate = view.getUint32(at + 4, true);
  const blockBytes = view.getUint16(at + 12, true);
  const bits = view.getUint16(at + 14, true);
  if (!formats.has(format))
    throw soundInvalid(name, `its samples are compressed in a way that isn't read (format ${format})`);
  if (channels < 1 || channels > most.channels) throw soundInvalid(name, `it has ${channels} channels`);
  if (sampleRate < 1 || sampleRate > most.rate)
    throw soundInvalid(name, `it has ${sampleRate} samples a second`);
  if (![8, 16, 24, 32, 64].includes(bits) || blockBytes !== (channels * bits) / 8)
    throw soundInvalid(name, `${channels} channels of ${bits} bits do not fit ${blockBytes} bytes`);
  return { sampleRate, channels, blockBytes };
}
