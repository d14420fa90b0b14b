/** Android over a cable: adb makes the phone's localhost lead here, which is a secure context without a certificate. */
import { execFile } from 'node:child_process';

export interface AdbReverse {
  /** Serial numbers of the phones that can reach the lab now. */
  readonly phones: readonly string[];
  /** Takes the forwarding back. */
  dispose(): Promise<void>;
}

/** null when adb is not on the PATH, no phone is plugged in, or none lets this machine in. */
export async function reversePort(port: number): Promise<AdbReverse | null> {
  const listed = await adb(['devices']);
  if (listed === null) return null;
  const serials = [...listed.matchAll(/^(\S+)\tdevice$/gm)].map((match) => match[1]!);
  const phones: string[] = [];
  for (const serial of serials)
    if ((await adb(['-s', serial, 'reverse', `tcp:${port}`, `tcp:${port}`])) !== null) phones.push(serial);
  if (phones.length === 0) return null;
  return {
    phones,
    async dispose() {
      for (const serial of phones) await adb(['-s', serial, 'reverse', '--remove', `tcp:${port}`]);
    },
  };
}

/** Output; null when it fails, whyever. Its first call may start its own server, which takes seconds. */
const adb = (args: readonly string[]) =>
  new Promise<string | null>((resolve) => {
    execFile('adb', args, { timeout: 10_000, windowsHide: true }, (error, stdout) =>
      resolve(error ? null : stdout.replaceAll('\r', '')),
    );
  });
