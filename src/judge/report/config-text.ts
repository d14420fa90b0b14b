/** What a configuration file added to a command, in words. */
import type { Report } from './report.ts';

/** "edgepress.config.json (int8, data); not used: qat" */
export function configText({ file, used, unused }: NonNullable<Report['config']>): string {
  const told = `${file}${used.length > 0 ? ` (${used.join(', ')})` : ''}`;
  return unused.length > 0 ? `${told}; not used: ${unused.join(', ')}` : told;
}
