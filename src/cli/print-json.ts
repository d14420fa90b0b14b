/** JSON for stdout. What a terminal could take for a command stays escaped: C1 controls and direction overrides, which
 *  JSON leaves as they are. */
export function printJson(value: unknown, indent?: number): void {
  const text = JSON.stringify(value, null, indent);
  printed.add('json');
  console.log(text.replace(/[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, escaped));
}

const printed = new Set<'json'>();

/** Whether this process has given its document. */
export const hasPrintedJson = (): boolean => printed.has('json');

const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
