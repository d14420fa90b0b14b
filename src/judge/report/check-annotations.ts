/** What of a check isn't kept, or not surely, as workflow commands: lines that GitHub Actions shows on the pull request.
 *  Their escapes: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts */
import type { CheckReport } from './check-report.ts';
import { nameOf, sentenceOf } from './check-words.ts';

export const checkAnnotations = ({ rows, against, model }: CheckReport): string[] =>
  rows.flatMap((row) => {
    const title = property(`${model}: ${nameOf(row)}`);
    if (row.status !== 'kept') return [`::error title=${title}::${message(sentenceOf(row, against))}`];
    return row.doubt === undefined ? [] : [`::warning title=${title}::${message(row.doubt)}`];
  });

const message = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

const property = (text: string) => message(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
