/** Stores that are asked by HTTP: a folder of WebDAV or of any server that takes GET, HEAD, PUT and DELETE; s3-store.ts says what is
 *  different in a bucket. */
import { createWriteStream, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { storeAnswer, storeUnreachable } from '../../support/diagnostics/sweep.ts';
import { type Diagnostic, messageOf } from '../../support/diagnostics.ts';
import { shownUrl } from '../../support/url.ts';
import { unwritten } from './own-disk.ts';
import type { Store } from './store.ts';

const attempts = 4;
/** Before the second attempt; twice as long before each further one. */
const firstPauseMs = 250;
/** Without a byte. */
const silentMs = 60_000;
/** What is sent is taken at this rate at least. */
const leastBytesPerMs = 100;

/** @throws OUTPUT_UNWRITABLE */
function makeFolderOf(file: string): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true });
  } catch (cause) {
    throw unwritten(file, cause) ?? cause;
  }
}

interface Answered {
  readonly answer: Response;
  /** Ends what is still coming. */
  readonly controller: AbortController;
}

const silence = (ms: number) => new Error(`nothing came for ${Math.round(ms / 1000)} s`);

/** However long all of it takes, as long as something comes. */
async function* bytesOf({ answer, controller }: Answered): AsyncGenerator<Uint8Array> {
  const listen = () => setTimeout(() => controller.abort(silence(silentMs)), silentMs);
  let timer = listen();
  try {
    for await (const part of answer.body ?? []) {
      clearTimeout(timer);
      yield part;
      timer = listen();
    }
  } finally {
    clearTimeout(timer);
  }
}

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
      const { ok, status } = found instanceof Error ? { ok: false, status: 0 } : found.answer;
      if (!(found instanceof Error) && (ok || known.includes(status))) return found;
      const isLasting = status > 0 && status < 500 && ![429, ...passing].includes(status);
      if (isLasting || attempt === attempts)
        throw found instanceof Error
          ? storeUnreachable(name, messageOf(found.cause ?? found))
          : await refusal(found.answer, method, object);
      await new Promise((resolve) => setTimeout(resolve, firstPauseMs * 2 ** (attempt - 1)));
    }
  };
  const asked = async (method: string, object: string, body: Uint8Array | undefined): Promise<Answered> => {
    const place = new URL(object, url);
    const headers = body ? { 'if-none-match': '*', 'content-type': 'application/octet-stream' } : {};
    const request = { method, headers, ...(body ? { body: body as Uint8Array<ArrayBuffer> } : {}) };
    const proven = await prove(place, request);
    const controller = new AbortController();
    const limitMs = silentMs + (body?.byteLength ?? 0) / leastBytesPerMs;
    const timer = setTimeout(() => controller.abort(silence(limitMs)), limitMs);
    const answer = await fetch(place, { ...proven, signal: controller.signal }).finally(() =>
      clearTimeout(timer),
    );
    return { answer, controller };
  };
  const has = async (object: string) => (await ask('HEAD', object, [404])).answer.ok;
  // 412: somebody else put it there, and it is the same.
  const put = async (object: string, bytes: Uint8Array) => void (await ask('PUT', object, [412], bytes));

  return {
    name,
    has,
    async read(object) {
      const found = await ask('GET', object, [404]);
      if (!found.answer.ok) return null;
      try {
        const parts: Uint8Array[] = [];
        for await (const part of bytesOf(found)) parts.push(part);
        return Buffer.concat(parts);
      } catch (cause) {
        throw storeUnreachable(name, messageOf(cause));
      }
    },
    write: put,
    async put(object, file) {
      if (!(await has(object))) await put(object, readFileSync(file));
    },
    async get(object, file) {
      const found = await ask('GET', object, [404]);
      if (!found.answer.ok) return false;
      makeFolderOf(file);
      try {
        await pipeline(bytesOf(found), createWriteStream(file, { flags: 'wx' }));
      } catch (cause) {
        rmSync(file, { force: true });
        throw unwritten(file, cause) ?? storeUnreachable(name, messageOf(cause));
      }
      return true;
    },
    remove: async (object) => void (await ask('DELETE', object, [404, 405])),
  };
}
