import { sha256 as webCrypto } from '../support/hash.ts';

/** Lower-case hex. */
export const sha256 = async (bytes: Uint8Array): Promise<string> =>
  globalThis.crypto?.subtle ? webCrypto(bytes) : (await import('./sha256-slow.ts')).sha256Slow(bytes);
