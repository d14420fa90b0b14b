/** Secrets of the lab: the join token in the URL, and one session key a device. Only hashes are kept, and compared in
 *  constant time. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 128 random bits, 22 characters that need no escaping in a URL. */
export const createSecret = () => randomBytes(16).toString('base64url');

export const hashSecret = (secret: string) => createHash('sha256').update(secret).digest();

/** Takes as long for a wrong secret as for the right one, whatever their lengths. */
export const isSecret = (given: string, hash: Buffer) => timingSafeEqual(hashSecret(given), hash);
