/** What of a check isn't kept, as workflow commands: lines that GitHub Actions shows on the pull request.
 *  Their escapes: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts */
import type { CheckReport } from './check-report.ts';
import { nameOf, sentenceOf } from './check-words.ts';

export const checkAnnotations = ({ rows, against, model }: CheckReport): string[] =>
  rows
    .filter(({ status }) => status !== 'kept')
    .map(
      (row) => `::error title=${property(`${model}: ${nameOf(row)}`)}::${message(sentenceOf(row, against))}`,
    );

const message = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');

const property = (text: string) => message(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
