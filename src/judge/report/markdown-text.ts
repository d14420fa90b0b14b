/** Markdown of GitHub's flavour from untrusted words. */

/** By this the program knows a file for its own, and replaces it unasked. */
export const ownMark = '<!-- made by edgepress -->';

type Align = 'left' | 'right';

export function table(
  head: readonly string[],
  align: readonly Align[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(align.map((a) => (a === 'right' ? '---:' : '---'))), ...rows.map(line)].join('\n');
}

/** Blank lines inside, or GitHub shows the Markdown as text. */
export const folded = (title: string, body: string) =>
  `<details><summary>${text(title)}</summary>\n\n${body}\n\n</details>`;

/** One line without Markdown, HTML, mentions or links in it; never ends a table cell. Entities are text to GitHub. */
export const text = (words: string) =>
  oneLine(words)
    .replace(/[\\`*_[\]<>|~&]/g, (char) => `&#${char.charCodeAt(0)};`)
    .replace(/@/g, '@\u200b')
    .replace(/(https?):\/\//gi, '$1:\u200b//');

/** A code span for a table, where a bar ends the cell even inside code. */
export const cell = (words: string) => code(words.replaceAll('|', '\\|'));

/** A code span; its fence is longer than any run of backticks within. */
export function code(words: string): string {
  const line = oneLine(words);
  const ticks = '`'.repeat(longestRun(line) + 1);
  const space = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return `${ticks}${space}${line}${space}${ticks}`;
}

export function fence(body: string, language: string): string {
  const ticks = '`'.repeat(Math.max(3, longestRun(body) + 1));
  return `${ticks}${language}\n${body}\n${ticks}`;
}

const longestRun = (words: string) => Math.max(0, ...(words.match(/`+/g) ?? []).map((run) => run.length));

const oneLine = (words: string) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: taking them out is the point
  words.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, ' ').trim();
