/** A certificate of one's own, so that pages on the network are secure contexts. It lives in memory, for a day.
 *  Node's crypto makes keys but no certificates; selfsigned writes the X.509 around them. */
import { X509Certificate } from 'node:crypto';
import { generate } from 'selfsigned';

interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** "AB:CD:…", SHA-256: what a browser shows under certificate details. */
  readonly fingerprint: string;
}

const dayMs = 86_400_000;

/** @param addresses  IPv4 addresses that it stands for, beside localhost */
export async function createCertificate(addresses: readonly string[]): Promise<Certificate> {
  const now = Date.now();
  const made = await generate([{ name: 'commonName', value: 'edgepress lab' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    // Phones' clocks may be a little behind.
    notBeforeDate: new Date(now - dayMs / 24),
    notAfterDate: new Date(now + dayMs),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [{ type: 2, value: 'localhost' }, ...addresses.map((ip) => ({ type: 7 as const, ip }))],
      },
    ],
  });
  return {
    key: made.private,
    cert: made.cert,
    fingerprint: new X509Certificate(made.cert).fingerprint256,
  };
}
