/** Messages of models that are fetched from the web. Addresses in them are without their queries. */
import { environment, unsupported, user } from '../diagnostics.ts';

export const urlInvalid = (url: string, problem: string) =>
  user(
    'URL_INVALID',
    `${url} is no address that can be fetched: ${problem}.`,
    'Pass one that begins with https:// and ends with the name of a model, or in / for the folder of one.',
  );

/** @param from  the file that names it, for what lies beside a model */
export const urlStatus = (url: string, from: string | null, status: number, text: string) =>
  user(
    'URL_STATUS',
    `${url}${named(from)} answers ${`${status} ${text}`.trim()}; ${expected(from)} expected.`,
    statusHint(from, status),
  );

function statusHint(from: string | null, status: number): string {
  if (status === 401 || status === 403 || status === 407)
    return 'It may need you to sign in: download it in the browser and pass the file.';
  if (status === 429 || status >= 500) return 'Try it again later.';
  return from ? missingHint : 'Open the address in a browser to see whether it is right.';
}

export const urlUnreachable = (url: string, host: string, reason: string, cause?: unknown) =>
  environment(
    'URL_UNREACHABLE',
    `${url} can't be fetched: ${reason}.`,
    `Check the name ${host} and the connection, or download the model yourself and pass the file.`,
    cause,
  );

export const urlTimeout = (url: string, what: string, ms: number) =>
  environment(
    'URL_TIMEOUT',
    `${url}: ${what} for ${ms / 1000} seconds.`,
    'Try it again, or download the model yourself and pass the file.',
  );

/** @param said  by its header, where it says */
export const urlCutOff = (url: string, received: number, said: number | null, cause?: unknown) =>
  environment(
    'URL_CUT_OFF',
    `${url} ended after ${received} bytes${said === null ? '' : `; its header says ${said}`}.`,
    'The connection was cut off; try it again.',
    cause,
  );

export const urlTooLarge = (url: string, said: number | null, limit: number) =>
  unsupported(
    'URL_TOO_LARGE',
    `${url} ${said === null ? 'goes on' : `has ${said} bytes, and goes on`} beyond the ${limit} bytes that a model may have when it is fetched.`,
    'Download it yourself and pass the file.',
  );

/** @param from  the file that names it, for what lies beside a model */
export const urlIsPage = (url: string, from: string | null) =>
  user(
    'URL_IS_PAGE',
    `${url}${named(from)} is a web page; ${expected(from)} expected.`,
    from
      ? missingHint
      : 'Pass the address of the model itself: that of its download link, or of the folder that it lies in, with / at the end.',
  );

const named = (from: string | null) => (from ? `, which ${from} names,` : '');
const expected = (from: string | null) => (from ? 'the bytes of a file were' : 'a model was');
const missingHint = 'All files of a model have to lie beside it; publish the one that is missing there, too.';

export const urlNotFile = (url: string) =>
  user(
    'URL_NOT_FILE',
    `${url} is an address on the web; openModel opens files.`,
    'Commands and calls fetch it: compress(url, …). Or await fetchModel(url).',
  );
