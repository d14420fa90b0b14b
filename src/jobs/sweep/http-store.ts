/** Stores that are asked by HTTP: a folder of WebDAV or of any server that takes GET, HEAD, PUT and DELETE; s3-store.ts says what is
 *  different in a bucket. */
import { createWriteStream, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { storeAnswer, storeUnreachable } from '../../support/diagnostics/sweep.ts';
import { type Diagnostic, messageOf } from '../../support/diagnostics.ts';
import { shownUrl } from '../../support/url.ts';
import type { Store } from './store.ts';

const attempts = 4;
/** Before the second attempt; twice as long before each further one. */
const firstPauseMs = 250;
const answerMs = 60_000;

/** Where a store is, and what its server wants besides. */
export interface WebPlace {
  /** For messages: nothing in it is secret. */
  readonly name: string;
  /** Of the folder, with a slash at its end. */
  readonly url: URL;
  /** States that go by, besides those of any server that is busy. */
  readonly passing?: readonly number[];
  /** A request with what proves who asks. */
  prove(url: URL, request: WebRequest): Promise<RequestInit>;
  /** For an answer that is none of those expected. */
  refusal(answer: Response, method: string, object: string): Promise<Diagnostic>;
}

export interface WebRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
}

/** @param address  of a folder; user and password in it are sent as such (HTTP Basic), and shown nowhere */
export function httpStore(address: string): Store {
  const url = new URL(address.endsWith('/') ? address : `${address}/`);
  const { username, password } = url;
  const words = [username, password].map(decodeURIComponent).join(':');
  const access = username === '' ? {} : { authorization: `Basic ${Buffer.from(words).toString('base64')}` };
  [url.username, url.password] = ['', ''];
  const name = shownUrl(url.href);
  return webStore({
    ...{ name, url },
    prove: async (_, { headers, ...request }) => ({ ...request, headers: { ...access, ...headers } }),
    refusal: async ({ status }, method, object) => storeAnswer(name, method, object, status),
  });
}

export function webStore({ name, url, passing = [], prove, refusal }: WebPlace): Store {
  /** @param known  states that are an answer @throws STORE_UNREACHABLE, STORE_ANSWER after some attempts */
  const ask = async (method: string, object: string, known: readonly number[], body?: Uint8Array) => {
    for (let attempt = 1; ; attempt++) {
      const found = await asked(method, object, body).catch((error: unknown) => error as Error);
      const isAnswer = !(found instanceof Error) && (found.ok || known.includes(found.status));
      if (isAnswer) return found;
      const isLasting =
        !(found instanceof Error) && found.status < 500 && ![429, ...passing].includes(found.status);
      if (isLasting || attempt === attempts)
        throw found instanceof Error
          ? storeUnreachable(name, messageOf(found.cause ?? found))
          : await refusal(found, method, object);
      await new Promise((resolve) => setTimeout(resolve, firstPauseMs * 2 ** (attempt - 1)));
    }
  };
  const asked = async (method: string, object: string, body: Uint8Array | undefined) => {
    const place = new URL(object, url);
    const headers = body ? { 'if-none-match': '*', 'content-type': 'application/octet-stream' } : {};
    const request = { method, headers, ...(body ? { body: body as Uint8Array<ArrayBuffer> } : {}) };
    return fetch(place, { ...(await prove(place, request)), signal: AbortSignal.timeout(answerMs) });
  };
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
