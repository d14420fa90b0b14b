import { counted, formatBytes } from '../../support/units.ts';
import type { Report } from './report.ts';

/** "157 texts, 48 kB: stack traces, source lines and paths of the machine that exported the model (kept with …)". */
export const strippedText = ({ texts, bytes }: NonNullable<Report['stripped']>): string =>
  `${counted(texts, 'text')}, ${formatBytes(bytes)}: stack traces, source lines and absolute paths of the machine that made the model (--keep-metadata keeps them)`;
