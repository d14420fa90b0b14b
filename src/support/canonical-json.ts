/** JSON of which there is one text for one value: keys sorted by their code units, no spaces, numbers as JavaScript writes them
 *  (RFC 8785). What a hash is taken of. */

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** @param value  plain data; keys that are undefined are left out @throws TypeError for what JSON has no text for */
export function canonicalJson(value: unknown): string {
  return textOf(value as Json);
}

function textOf(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`;
  if (typeof value === 'object' && value !== null) return objectText(value as Record<string, Json>);
  const isPlain = value === null || ['boolean', 'string'].includes(typeof value);
  if (!isPlain && !Number.isFinite(value)) throw new TypeError(`JSON has no text for ${String(value)}.`);
  return JSON.stringify(value);
}

const objectText = (value: Readonly<Record<string, Json | undefined>>): string =>
  `{${Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${textOf(value[key]!)}`)
    .join(',')}}`;
