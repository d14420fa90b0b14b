/** A bucket of a test's own, behind a server that verifies signatures itself: by what AWS writes about Signature Version 4, with nothing but
 *  node:crypto. */
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';

const sha256 = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Uint8Array, text: string) => createHmac('sha256', key).update(text).digest();

/** Everything but A–Z, a–z, 0–9 and -._~ as %XX, of UTF-8. */
const uriEncoded = (text: string) =>
  [...Buffer.from(text)]
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      return /[\w.~-]/.test(letter) ? letter : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');

export interface SignedRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

/** Why a request is not one of whoever knows the secret; null where it is. The code is S3's. */
export function signatureProblem(request: SignedRequest, secret: string, region: string): string | null {
  const { method, url, headers, body } = request;
  const header = (name: string) =>
    String(headers[name] ?? '')
      .trim()
      .replace(/\s+/g, ' ');
  const parts =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\d{8}\/[^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w{64})$/.exec(
      header('authorization'),
    );
  if (!parts) return 'AccessDenied';
  const [, scope = '', signedHeaders = '', signature] = parts;
  const date = header('x-amz-date');
  if (scope !== `${date.slice(0, 8)}/${region}/s3/aws4_request`) return 'AuthorizationHeaderMalformed';
  if (sha256(body) !== header('x-amz-content-sha256')) return 'XAmzContentSHA256Mismatch';
  const names = signedHeaders.split(';');
  const must = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))];
  if (must.some((name) => !names.includes(name))) return 'AccessDenied';

  const [path = '', query = ''] = url.split('?');
  const parameters = query === '' ? [] : query.split('&').map((one) => one.split('='));
  const canonical = [
    method,
    path
      .split('/')
      .map((part) => uriEncoded(decodeURIComponent(part)))
      .join('/'),
    parameters
      .map(
        ([key = '', value = '']) =>
          `${uriEncoded(decodeURIComponent(key))}=${uriEncoded(decodeURIComponent(value))}`,
      )
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${header(name)}`),
    '',
    signedHeaders,
    header('x-amz-content-sha256'),
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const key = scope.split('/').reduce<string | Uint8Array>(hmac, `AWS4${secret}`);
  return hmac(key, toSign).toString('hex') === signature ? null : 'SignatureDoesNotMatch';
}

export interface Bucket {
  readonly server: Server;
  /** For the environment of whoever asks it. */
  readonly settings: Readonly<Record<string, string>>;
  /** By path. */
  readonly kept: Map<string, Uint8Array>;
  /** Of all requests. */
  readonly seen: IncomingMessage[];
}

export const exampleKeys = { id: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };

interface Hitch {
  readonly status: number;
  readonly location?: string;
}

/** @param hitch  what it answers instead, now and then */
export async function startBucket(
  hitch: (asked: number, method: string) => Hitch | null = () => null,
): Promise<Bucket> {
  const kept = new Map<string, Uint8Array>();
  const seen: IncomingMessage[] = [];
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const answer = (status: number, content: Uint8Array | string = '', more: Record<string, string> = {}) => {
      response.writeHead(status, more);
      response.end(method === 'HEAD' ? undefined : content);
    };
    const refuse = (status: number, code: string) =>
      answer(status, `<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
    seen.push(request);
    const problem = signatureProblem({ method, url, headers, body }, exampleKeys.secret, 'eu-test-1');
    if (problem) return refuse(403, problem);
    const instead = hitch(seen.length, method);
    if (instead) return answer(instead.status, '', instead.location ? { location: instead.location } : {});
    const known = kept.get(url);
    if (method === 'PUT') {
      if (known && headers['if-none-match'] === '*') return refuse(412, 'PreconditionFailed');
      kept.set(url, body);
      return answer(200);
    }
    if (method === 'DELETE') {
      kept.delete(url);
      return answer(204);
    }
    return known ? answer(200, known) : refuse(404, 'NoSuchKey');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const settings = {
    AWS_ACCESS_KEY_ID: exampleKeys.id,
    AWS_SECRET_ACCESS_KEY: exampleKeys.secret,
    AWS_REGION: 'eu-test-1',
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
  };
  return { server, settings, kept, seen };
}
