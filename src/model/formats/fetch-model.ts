/** A model on the web: the file that an address names, and the files that it names beside it, fetched into memory. What lies beside it
 *  is found as TensorFlow.js finds it: relative to the address that was given, not to where that leads, and with its query.
 *  Source: tfjs-core src/io/http.ts, parseUrl. Runs in a page. */
import { concatenated } from '../../support/bytes.ts';
import {
  urlCutOff,
  urlInvalid,
  urlIsPage,
  urlStatus,
  urlTimeout,
  urlTooLarge,
  urlUnreachable,
} from '../../support/diagnostics/fetching.ts';
import { externalDataPath, modelNotFoundIn } from '../../support/diagnostics/model-files.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { lastPartOf, shownUrl } from '../../support/url.ts';
import { isZip, namedInArchive, unpackModel, usualNames } from './archive.ts';
import { formatOf } from './index.ts';
import { type BytesOptions, type OpenedModel, openModelBytes } from './opened.ts';

export interface FetchOptions extends Pick<BytesOptions, 'outputs'> {
  readonly signal?: AbortSignal | undefined;
  /** Bytes that came, of those that are known to come. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly limits?: Partial<FetchLimits> | undefined;
}

interface FetchLimits {
  /** Of all files together. */
  readonly bytes: number;
  /** Until a server answers, redirects included. */
  readonly answerMs: number;
  /** Between two pieces of a file. */
  readonly idleMs: number;
}

/** In memory as a whole, as what is in an archive. */
const usualLimits: FetchLimits = { bytes: 2 ** 31, answerMs: 30_000, idleMs: 30_000 };

/** Files that are fetched at a time. */
const atOnce = 4;

/** Opens a model of any format from the web, with all that belongs to it in memory.
 *  @param url  of the model, of a .zip that holds one, or of a folder (with / at the end) that holds model.json or model.onnx
 *  @example
 *  const model = await fetchModel('https://example.org/mobilenet/model.json');
 *  @throws URL_INVALID, URL_STATUS, URL_UNREACHABLE, URL_TIMEOUT, URL_CUT_OFF, URL_TOO_LARGE, URL_IS_PAGE, EXTERNAL_DATA_PATH,
 *    what unpacking and reading throw; what `signal` was aborted with */
export async function fetchModel(
  url: string,
  { outputs, ...options }: FetchOptions = {},
): Promise<OpenedModel> {
  const place = placeOf(url);
  const own = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, own.signal]) : own.signal;
  const get = fetcher({ ...options, signal });
  try {
    const { name, bytes } = await fetchFirst(place, get);
    if (!isZip(bytes))
      return openModelBytes(bytes, { name, outputs, data: await fetchBeside(place, name, bytes, get) });
    const { bytes: model, data, name: inside } = unpackModel(bytes, shownUrl(url));
    return openModelBytes(model, { name: namedInArchive(name, inside), outputs, data });
  } finally {
    // Where one file fails, the others are no longer wanted.
    own.abort();
  }
}

/** An address in parts: `${folder}${file}${query}`. */
interface Place {
  readonly folder: string;
  /** Empty for the address of a folder. */
  readonly file: string;
  readonly query: string;
}

function placeOf(text: string): Place {
  if (!URL.canParse(text)) throw urlInvalid(shownUrl(text), 'its form is wrong');
  const url = new URL(text);
  if (url.username || url.password)
    throw urlInvalid(shownUrl(text), 'it has a user name or a password in it');
  const path = url.pathname.lastIndexOf('/') + 1;
  return {
    folder: url.origin + url.pathname.slice(0, path),
    file: url.pathname.slice(path),
    query: url.search,
  };
}

/** What is not there comes as the reason, for the caller to throw where the file is needed.
 *  @param from  the file that names it */
type Get = (url: string, from: string | null) => Promise<Uint8Array | Diagnostic>;

async function fetchFirst({ folder, file, query }: Place, get: Get) {
  for (const name of file === '' ? usualNames : [file]) {
    const url = `${folder}${name}${query}`;
    const bytes = await get(url, null);
    if (!(bytes instanceof Diagnostic)) return { name: lastPartOf(url), bytes };
    if (file !== '') throw bytes;
  }
  throw modelNotFoundIn(folder, []);
}

async function fetchBeside(place: Place, name: string, bytes: Uint8Array, get: Get) {
  const format = formatOf(bytes, name);
  const { needed, optional } = format.beside?.(bytes, name) ?? {
    // Weights are not looked at before somebody asks for them.
    needed: format.files(format.read(bytes, { name })),
    optional: [],
  };
  const data = new Map<string, Uint8Array>();
  const waiting = [...needed, ...optional].map((location) => ({ location, url: besideOf(place, location) }));
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { location, url } = next;
      const content = await get(url, name);
      if (!(content instanceof Diagnostic)) data.set(location, content);
      else if (needed.includes(location)) throw content;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return data;
}

/** @throws EXTERNAL_DATA_PATH for what does not lie in the folder */
function besideOf({ folder, query }: Place, location: string): string {
  const url = `${folder}${location.replaceAll('#', '%23')}${query}`;
  if (location === '') throw externalDataPath('The model', location, 'names no file');
  if (!URL.canParse(url) || !new URL(url).href.startsWith(folder) || /^([a-z]+:|[/\\])/i.test(location))
    throw externalDataPath('The model', location, 'leads out of the folder');
  return url;
}

function fetcher({ signal, onProgress, limits }: FetchOptions): Get {
  const { bytes: limit, answerMs, idleMs } = { ...usualLimits, ...limits };
  let [done, total] = [0, 0];
  return async (url, from) => {
    const shown = shownUrl(url);
    const watch = watchdog(signal);
    let received = 0;
    try {
      watch.within(answerMs, 'no answer came');
      const response = await fetch(url, { signal: watch.signal });
      const { status, statusText } = response;
      const problem = response.ok
        ? isPage(response) && urlIsPage(shown, from)
        : urlStatus(shown, from, status, statusText);
      // A store that isn't to be listed answers 403 for what it doesn't have.
      if (problem && (response.ok || [403, 404, 410].includes(status))) return problem;
      if (problem) throw problem;
      const expected = lengthOf(response);
      total += expected ?? 0;
      if (done + (expected ?? 0) > limit) throw urlTooLarge(shown, expected, limit);
      const pieces: Uint8Array[] = [];
      watch.within(idleMs, 'nothing more came');
      for await (const piece of piecesOf(response)) {
        watch.within(idleMs, 'nothing more came');
        pieces.push(piece);
        received += piece.length;
        done += piece.length;
        if (done > limit) throw urlTooLarge(shown, null, limit);
        onProgress?.(done, Math.max(done, total));
      }
      if (expected !== null && received !== expected) throw urlCutOff(shown, received, expected);
      return pieces.length === 1 ? pieces[0]! : concatenated(pieces, received);
    } catch (error) {
      signal?.throwIfAborted();
      if (watch.late) throw urlTimeout(shown, watch.late.what, watch.late.ms);
      if (error instanceof Diagnostic) throw error;
      throw received > 0 ? urlCutOff(shown, received, null, error) : unreachable(shown, error);
    } finally {
      watch.end();
    }
  };
}

/** Aborts when what was waited for takes longer than it may. */
function watchdog(signal: AbortSignal | undefined) {
  const own = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let late: { readonly what: string; readonly ms: number } | null = null;
  return {
    signal: signal ? AbortSignal.any([signal, own.signal]) : own.signal,
    get late() {
      return late;
    },
    within(ms: number, what: string) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        late = { what, ms };
        own.abort();
      }, ms);
    },
    end() {
      clearTimeout(timer);
      // A body that nobody reads to its end holds its connection.
      own.abort();
    },
  };
}

const isPage = ({ headers }: Response) =>
  /^(text\/html|application\/xhtml)/i.test(headers.get('content-type') ?? '');

/** Null where it isn't said, or said of the compressed bytes. */
function lengthOf({ headers }: Response): number | null {
  const said = headers.get('content-length');
  const encoding = headers.get('content-encoding') ?? 'identity';
  return said !== null && encoding === 'identity' && /^\d+$/.test(said) ? Number(said) : null;
}

/** Not every browser can loop over a stream. */
async function* piecesOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read())
    yield piece.value;
}

/** What `fetch` says no more of than that it failed stands in the cause of it, where there is one. */
function unreachable(url: string, error: unknown) {
  const { host, hostname } = new URL(url);
  const { code, message } = ((error as Error).cause ?? error) as { code?: string; message?: string };
  const reasons: Readonly<Record<string, string>> = {
    ENOTFOUND: `no computer is known by the name ${hostname}`,
    EAI_AGAIN: `the name ${hostname} could not be looked up`,
    ECONNREFUSED: `nothing answers at ${host}`,
    ECONNRESET: `${host} ended the connection`,
    UND_ERR_SOCKET: `${host} ended the connection`,
    UND_ERR_CONNECT_TIMEOUT: `${host} does not answer`,
  };
  return urlUnreachable(url, hostname, reasons[code ?? ''] ?? (message || code || String(error)), error);
}
