/** The tokenisers of sacreBLEU that need no model: 13a (mteval-v13a, its default), none, char, intl (mteval-v14).
 *  Source: sacreBLEU 2.6, tokenizers/tokenizer_{13a,re,char,intl}.py. */

export type BleuTokenizer = '13a' | 'none' | 'char' | 'intl';

/** What Python's str.split() parts at: JavaScript's \s lacks the separators 1c to 1f and 85, and has the BOM. */
const space = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const spaces = new RegExp(`[${space}]+`, 'u');
const trailing = new RegExp(`[${space}]+$`, 'u');

/** @param line  one segment */
export function tokenizeForBleu(line: string, tokenizer: BleuTokenizer): string[] {
  return split(rules[tokenizer](line.replace(trailing, '')));
}

const split = (line: string) => line.split(spaces).filter((t) => t !== '');

const rules: Readonly<Record<BleuTokenizer, (line: string) => string>> = {
  none: (line) => line,
  char: (line) => [...line].join(' '),
  intl: (line) =>
    line
      .replace(/(\P{N})(\p{P})/gu, '$1 $2 ')
      .replace(/(\p{P})(\P{N})/gu, ' $1 $2')
      .replace(/\p{S}/gu, ' $& '),
  '13a': (line) => {
    const text = line.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ');
    return ` ${unescapeMarkup(text)} `
      .replace(/[{-~[-` -&(-+:-@/]/gu, ' $& ')
      .replace(/([^0-9])([.,])/gu, '$1 $2 ')
      .replace(/([.,])([^0-9])/gu, ' $1 $2')
      .replace(/([0-9])(-)/gu, '$1 $2 ');
  },
};

/** In this order: "&amp;lt;" becomes "<". */
const unescapeMarkup = (line: string) =>
  line.replaceAll('&quot;', '"').replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>');
