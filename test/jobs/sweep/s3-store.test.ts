/** Stores in buckets: requests are signed as AWS has it, by what its own examples say and a server that verifies them. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sweepRequest } from '../../../src/jobs/requests/sweep.ts';
import { s3Store } from '../../../src/jobs/sweep/s3-store.ts';
import { parseRequest } from '../../../src/support/parse-request.ts';
import { type Bucket, exampleKeys, signatureProblem, startBucket } from '../../s3.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const failure = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: unknown) => error,
  );

/** "Signature Calculations for the Authorization Header" in the reference of Amazon S3: four requests and their signatures. */
const published = [
  {
    ...{ method: 'GET', url: '/test.txt', content: '', more: { range: 'bytes=0-9' } },
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    ...{ method: 'PUT', url: '/test$file.text', content: 'Welcome to Amazon S3.' },
    more: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    ...{ method: 'GET', url: '/?lifecycle', content: '', more: {} },
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    ...{ method: 'GET', url: '/?max-keys=2&prefix=J', content: '', more: {} },
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
];

describe('the server of these tests', () => {
  it.each(published)(
    'takes what AWS published for $method $url, and no other content or secret',
    ({ method, url, content, more, signature }) => {
      const sent = {
        ...more,
        host: 'examplebucket.s3.amazonaws.com',
        'x-amz-content-sha256': createHash('sha256').update(content).digest('hex'),
        'x-amz-date': '20130524T000000Z',
      };
      const scope = `${exampleKeys.id}/20130524/us-east-1/s3/aws4_request`;
      const names = Object.keys(sent).sort().join(';');
      const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=${names}, Signature=${signature}`;
      const request = { method, url, headers: { ...sent, authorization }, body: bytes(content) };
      expect(signatureProblem(request, exampleKeys.secret, 'us-east-1')).toBe(null);
      expect(signatureProblem(request, 'another', 'us-east-1')).toBe('SignatureDoesNotMatch');
      expect(
        signatureProblem({ ...request, body: bytes('other') }, exampleKeys.secret, 'us-east-1'),
      ).not.toBe(null);
      expect(signatureProblem({ ...request, url: '/other' }, exampleKeys.secret, 'us-east-1')).not.toBe(null);
    },
  );
});

describe('a store in a bucket', () => {
  let folder: string;
  let bucket: Bucket;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'edgepress-s3-'));
    bucket = await startBucket();
  });
  afterEach(() => {
    bucket.server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('keeps what came first, below its prefix, and gives files back', async () => {
    const store = s3Store('s3://models/a b/ü+$(1)/', bucket.settings);
    expect(await store.read('results/a.json')).toBe(null);
    await store.write('results/a.json', bytes('1'));
    await store.write('results/a.json', bytes('2'));
    expect(new TextDecoder().decode((await store.read('results/a.json'))!)).toBe('1');
    expect([...bucket.kept.keys()].map(decodeURIComponent)).toEqual(['/models/a b/ü+$(1)/results/a.json']);
    writeFileSync(join(folder, 'from'), 'three');
    await store.put('contents/3', join(folder, 'from'));
    expect(await store.get('contents/3', join(folder, 'sub/to'))).toBe(true);
    expect(readFileSync(join(folder, 'sub/to'), 'utf8')).toBe('three');
    await store.remove('results/a.json');
    expect(await store.has('results/a.json')).toBe(false);
    expect(await store.has('contents/3')).toBe(true);
  });

  it('asks again where it is busy, or two wrote the same at once', async () => {
    bucket.server.close();
    bucket = await startBucket((asked, method) => {
      if (asked % 2 === 0) return null;
      return { status: method === 'PUT' ? 409 : 503 };
    });
    const store = s3Store('s3://models', bucket.settings);
    await store.write('x', bytes('1'));
    expect(await store.read('x')).toHaveLength(1);
  });

  it('sends the token of a session, signed', async () => {
    const store = s3Store('s3://models', { ...bucket.settings, AWS_SESSION_TOKEN: 'for-an-hour' });
    await store.write('x', bytes('1'));
    expect(bucket.seen[0]!.headers['x-amz-security-token']).toBe('for-an-hour');
    expect(bucket.seen[0]!.headers.authorization).toContain('x-amz-security-token');
  });

  it('says what the server has against it, and no secret', async () => {
    const settings = { ...bucket.settings, AWS_SECRET_ACCESS_KEY: 'hush-hush' };
    const error = await failure(s3Store('s3://models/x', settings).read('results/a.json'));
    expect(error).toMatchObject({ code: 'STORE_ANSWER', kind: 'environment' });
    expect(String(error)).toContain('SignatureDoesNotMatch');
    expect(JSON.stringify([error, String(error)])).not.toContain('hush-hush');
    const elsewhere = { ...bucket.settings, AWS_REGION: 'eu-other-1' };
    expect(await failure(s3Store('s3://models/x', elsewhere).has('x'))).toMatchObject({
      code: 'STORE_ANSWER',
    });
  });

  it('follows no server elsewhere with its signature', async () => {
    const other = await startBucket();
    bucket.server.close();
    bucket = await startBucket(() => ({
      status: 307,
      location: `${other.settings['AWS_ENDPOINT_URL']}/models/x`,
    }));
    expect(await failure(s3Store('s3://models', bucket.settings).read('x'))).toMatchObject({
      code: 'STORE_ANSWER',
    });
    expect(other.seen).toEqual([]);
    other.server.close();
  });

  it('that is not there is said to be so', async () => {
    await new Promise((resolve) => bucket.server.close(resolve));
    expect(await failure(s3Store('s3://models', bucket.settings).has('x'))).toMatchObject({
      code: 'STORE_UNREACHABLE',
    });
  });

  it.each(['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])('is not opened without %s', (variable) => {
    expect(() => s3Store('s3://models', { ...bucket.settings, [variable]: '' })).toThrow(
      expect.objectContaining({ code: 'STORE_SETTING_MISSING', message: expect.stringContaining(variable) }),
    );
  });

  it.each([
    ['s3://models/x', 'eu-west-1', 'https://models.s3.eu-west-1.amazonaws.com/x/a'],
    ['s3://my.models', 'eu-west-1', 'https://s3.eu-west-1.amazonaws.com/my.models/a'],
    ['s3://models', 'cn-north-1', 'https://models.s3.cn-north-1.amazonaws.com.cn/a'],
  ])("is Amazon's where no server is named: %s in %s", async (place, AWS_REGION, url) => {
    const { AWS_ENDPOINT_URL: _, ...settings } = bucket.settings;
    const asked = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(null, { status: 404 }));
    await s3Store(place, { ...settings, AWS_REGION }).has('a');
    expect(String(asked.mock.calls[0]![0])).toBe(url);
    asked.mockRestore();
  });

  it('is in a region where no server is named, and its server is an address', () => {
    const { AWS_REGION: _, AWS_ENDPOINT_URL: __, ...keys } = bucket.settings;
    expect(() => s3Store('s3://models', keys)).toThrow(
      expect.objectContaining({ code: 'STORE_SETTING_MISSING' }),
    );
    expect(() => s3Store('s3://models', { ...keys, AWS_ENDPOINT_URL: 'minio:9000' })).toThrow(
      expect.objectContaining({ code: 'STORE_SETTING_INVALID' }),
    );
  });
});

describe('--store', () => {
  it.each([
    's3://',
    's3:models',
    's3://id:secret@models',
    's3://models/a//b',
    's3://models/../b',
    's3://models?x=1',
  ])('refuses %s before anything is asked, and repeats no secret', (store) => {
    const refused = (() => {
      try {
        return parseRequest(sweepRequest, { store });
      } catch (error) {
        return error;
      }
    })();
    expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(String(refused)).not.toContain('id:secret');
  });

  it.each(['s3://models', 's3://models/', 's3://my.models_2/a b/c', 'folder/s3', 'https://host/x'])(
    'takes %s',
    (store) => {
      expect(parseRequest(sweepRequest, { store }).store).toBe(store);
    },
  );
});
