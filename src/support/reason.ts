/** Why something stayed as it is: a code for programs, and what else there is to say of this case. Passes write both in one text,
 *  "constant-too-large: 12 MB". */
export interface Reason {
  /** kebab-case; '' where the text has none. */
  readonly code: string;
  /** After the colon; null where the code says all. */
  readonly detail: string | null;
}

/** A text that doesn't start with a code is a detail whole, colons and all. */
export function reasonOf(text: string): Reason {
  const match = /^([a-z0-9]+(?:-[a-z0-9]+)*)(?::\s*(.*))?$/s.exec(text);
  return match ? { code: match[1]!, detail: match[2] ?? null } : { code: '', detail: text };
}

/** In words: "used-twice" → "used twice", "too-large: 12 MB" → "too large: 12 MB". */
export function reasonWords(text: string): string {
  const { code, detail } = reasonOf(text);
  const said = code.replaceAll('-', ' ');
  return [said, detail].filter((part) => part !== '' && part !== null).join(': ');
}
