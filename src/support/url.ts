/** Addresses on the web, where a path may stand as well. */

export const isUrl = (text: unknown): text is string =>
  typeof text === 'string' && /^https?:\/\//i.test(text);

/** "s3://bucket/prefix": not fetched as it stands. */
export const isBucket = (text: unknown): text is string => typeof text === 'string' && /^s3:/i.test(text);

/** Without user, query and fragment, which may hold a key: what messages and reports call it. Other texts stay as they are. */
export function shownUrl(text: string): string {
  if (!isUrl(text)) return text;
  const [, scheme, , rest] = /^(https?:\/\/)([^/?#]*@)?([^?#]*)/i.exec(text)!;
  return `${scheme}${rest}`;
}

/** "mobilenet.onnx" of https://example.org/nets/mobilenet.onnx?key=1, "nets" of https://example.org/nets/. */
export function lastPartOf(url: string): string {
  const [host = '', ...parts] = shownUrl(url)
    .replace(/^https?:\/\//i, '')
    .split('/')
    .filter((part) => part !== '');
  const last = parts.at(-1) ?? host.replace(/:\d+$/, '');
  try {
    return decodeURIComponent(last).replaceAll(/[/\\]/g, '_');
  } catch {
    return last;
  }
}
