/** A store behind an address: objects are read, asked for and put there by plain HTTP, as a folder of WebDAV, or a bucket behind a gateway that
 *  signs, takes them. */
import { createWriteStream, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { storeAnswer, storeUnreachable } from '../../support/diagnostics/sweep.ts';
import { messageOf } from '../../support/diagnostics.ts';
import { shownUrl } from '../../support/url.ts';
import type { Store } from './store.ts';

const attempts = 4;
/** Before the second attempt; twice as long before each further one. */
const firstPauseMs = 250;
const answerMs = 60_000;

/** @param address  of a folder; user and password in it are sent as such (HTTP Basic), and shown nowhere */
export function httpStore(address: string): Store {
  const url = new URL(address.endsWith('/') ? address : `${address}/`);
  const { username, password } = url;
  const words = [username, password].map(decodeURIComponent).join(':');
  const access = username === '' ? {} : { authorization: `Basic ${Buffer.from(words).toString('base64')}` };
  [url.username, url.password] = ['', ''];
  const name = shownUrl(url.href);

  /** @param known  states that are an answer @throws STORE_UNREACHABLE, STORE_ANSWER after some attempts */
  const ask = async (method: string, object: string, known: readonly number[], body?: Uint8Array) => {
    for (let attempt = 1; ; attempt++) {
      const found = await asked(method, object, body).catch((error: unknown) => error as Error);
      const isAnswer = !(found instanceof Error) && (found.ok || known.includes(found.status));
      if (isAnswer) return found;
      const isLasting = !(found instanceof Error) && found.status < 500 && found.status !== 429;
      if (isLasting || attempt === attempts)
        throw found instanceof Error
          ? storeUnreachable(name, messageOf(found.cause ?? found))
          : storeAnswer(name, method, object, found.status);
      await new Promise((resolve) => setTimeout(resolve, firstPauseMs * 2 ** (attempt - 1)));
    }
  };
  const asked = (method: string, object: string, body: Uint8Array | undefined) =>
    fetch(new URL(object, url), {
      method,
      headers: {
        ...access,
        ...(body ? { 'if-none-match': '*', 'content-type': 'application/octet-stream' } : {}),
      },
      ...(body ? { body: body as Uint8Array<ArrayBuffer> } : {}),
      signal: AbortSignal.timeout(answerMs),
    });
  const has = async (object: string) => (await ask('HEAD', object, [404])).ok;
  // 412: somebody else put it there, and it is the same.
  const put = async (object: string, bytes: Uint8Array) => void (await ask('PUT', object, [412], bytes));

  return {
    name,
    has,
    async read(object) {
      const answer = await ask('GET', object, [404]);
      if (!answer.ok) return null;
      try {
        return new Uint8Array(await answer.arrayBuffer());
      } catch (cause) {
        throw storeUnreachable(name, messageOf(cause));
      }
    },
    write: put,
    async put(object, file) {
      if (!(await has(object))) await put(object, readFileSync(file));
    },
    async get(object, file) {
      const answer = await ask('GET', object, [404]);
      if (!answer.ok || answer.body === null) return false;
      mkdirSync(path.dirname(file), { recursive: true });
      try {
        await pipeline(
          Readable.fromWeb(answer.body as ReadableStream),
          createWriteStream(file, { flags: 'wx' }),
        );
      } catch (cause) {
        rmSync(file, { force: true });
        throw storeUnreachable(name, messageOf(cause));
      }
      return true;
    },
    remove: async (object) => void (await ask('DELETE', object, [404, 405])),
  };
}
