/** HTML that is safe by construction: whatever is put into a template is escaped, unless it is markup already. */
export interface Markup {
  readonly markup: string;
}

type Content = Markup | string | number | null | readonly Content[];

/** Tagged template: html`<td>${name}</td>`. null prints nothing, lists are joined. Good for text and for quoted attributes. */
export const html = (strings: TemplateStringsArray, ...values: readonly Content[]): Markup => ({
  markup: strings.map((text, i) => text + (i < values.length ? print(values[i]!) : '')).join(''),
});

/** Markup that we made ourselves, such as a chart. */
export const trusted = (markup: string): Markup => ({ markup });

/** A sentence whose numbers stay with their units at the end of a line: "35 %", "1.28 MB", "top-1". */
export const unbroken = (sentence: string): Markup =>
  html`${sentence
    .split(/(\S*\d(?: (?:%|[kMGT]?B|µs|ms|s|dB|[kMG]|times|points|runs|threads?))(?![\p{L}\d])|top-\d)/u)
    .map((part, i) => (i % 2 === 1 ? html`<span class="nb">${part}</span>` : part))}`;

function print(content: Content): string {
  if (content === null) return '';
  if (typeof content === 'string') return escapeHtml(content);
  if (typeof content === 'number') return String(content);
  return 'markup' in content ? content.markup : content.map(print).join('');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Control characters have no place in HTML; direction overrides could make a name read as another. */
export const escapeHtml = (text: string) =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: taking them out is the point
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '�')
    .replace(/[&<>"']/g, (char) => entities[char]!);

/** JSON for a script element: no "<" is left that could end the element or open a comment. */
export const embedJson = (report: object) =>
  JSON.stringify(report)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');

const pictureUrl = /^data:image\/(?:png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+=*$/;

/** The picture where it is an inline bitmap; null for anything that a browser would fetch or run. */
export const safePicture = (url: string | null): string | null =>
  url !== null && pictureUrl.test(url) ? url : null;
