/** A store in a bucket of S3, or of a server that speaks as S3 does: requests are signed with Signature Version 4, their content too. Keys,
 *  region and server come from the environment, as the tools of AWS read them. */
import { createHash } from 'node:crypto';
import { AwsV4Signer } from 'aws4fetch';
import { bucketAnswer, storeSettingInvalid, storeSettingMissing } from '../../support/diagnostics/sweep.ts';
import { isUrl } from '../../support/url.ts';
import { type WebRequest, webStore } from './http-store.ts';
import type { Store } from './store.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Two writers of one object at once: one of them is asked to try again. */
const conflict = 409;

/** @param place  "s3://bucket/prefix" @throws STORE_SETTING_MISSING, STORE_SETTING_INVALID */
export function s3Store(place: string, environment: Environment = process.env): Store {
  const [bucket = '', ...prefix] = place
    .replace(/^s3:\/\//i, '')
    .replace(/\/$/, '')
    .split('/');
  const name = ['s3:/', bucket, ...prefix].join('/');
  const setting = settingsFor(name, environment);
  const endpoint = endpointOf(setting);
  const keys = {
    accessKeyId: setting.required('AWS_ACCESS_KEY_ID'),
    secretAccessKey: setting.required('AWS_SECRET_ACCESS_KEY'),
    ...(setting.first('AWS_SESSION_TOKEN') ? { sessionToken: setting.first('AWS_SESSION_TOKEN')! } : {}),
  };
  const region = endpoint ? (setting.first(...regions) ?? 'us-east-1') : setting.required(...regions);
  const folder = prefix.map((part) => `${encodeURIComponent(part)}/`).join('');
  const url = new URL(folder, bucketUrl(bucket, region, endpoint));
  const cache = new Map<string, ArrayBuffer>();

  return webStore({
    ...{ name, url, passing: [conflict] },
    async prove(at, { method, headers, body }: WebRequest) {
      const sha256 = createHash('sha256')
        .update(body ?? '')
        .digest('hex');
      const signed = await new AwsV4Signer({
        ...{ ...keys, region, service: 's3', cache, method, url: at.href },
        headers: { ...headers, 'x-amz-content-sha256': sha256 },
        body: body ?? null,
      }).sign();
      // A signature is for one server: where another is meant, it is said instead of sent there.
      return { method, headers: signed.headers, body: body ?? null, redirect: 'manual' };
    },
    async refusal(answer, method, object) {
      const code = /<Code>(\w+)<\/Code>/.exec(await answer.text().catch(() => ''))?.[1] ?? '';
      return bucketAnswer(name, method, object, answer.status, code);
    },
  });
}

const regions = ['AWS_REGION', 'AWS_DEFAULT_REGION'];
const endpoints = ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'];

interface Settings {
  /** The first of them that is set. */
  first(...variables: readonly string[]): string | undefined;
  /** @throws STORE_SETTING_MISSING */
  required(...variables: readonly string[]): string;
}

/** What is set to nothing is not set. */
function settingsFor(store: string, environment: Environment): Settings {
  const first = (...variables: readonly string[]) =>
    variables.map((variable) => environment[variable]?.trim()).find(Boolean);
  const required = (...variables: readonly string[]) => {
    const found = first(...variables);
    if (found === undefined) throw storeSettingMissing(store, variables);
    return found;
  };
  return { first, required };
}

/** undefined for Amazon's own. @throws STORE_SETTING_INVALID */
function endpointOf({ first }: Settings): string | undefined {
  const endpoint = first(...endpoints);
  if (endpoint === undefined) return undefined;
  if (!isUrl(endpoint) || !URL.canParse(endpoint))
    throw storeSettingInvalid(
      first(endpoints[0]!) ? endpoints[0]! : endpoints[1]!,
      'an http:// or https:// address',
    );
  return endpoint.endsWith('/') ? endpoint : `${endpoint}/`;
}

/** A name that can be that of a host, under a certificate for one level of names. */
const hostName = /^[a-z0-9][a-z0-9-]*[a-z0-9]$/;

/** The bucket stands in the host's name, where that may be, and in the path of other servers, which know it there all. */
function bucketUrl(bucket: string, region: string, endpoint: string | undefined): string {
  if (endpoint) return `${endpoint}${bucket}/`;
  const host = `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  return hostName.test(bucket) ? `https://${bucket}.${host}/` : `https://${host}/${bucket}/`;
}
