/** What computing in int8 does to the answers, one group of layers at a time, and which compute in float again for a budget's sake. */
import { formatDb } from '../../support/units.ts';
import type { Report } from './report.ts';

export interface DamageRow {
  readonly layers: readonly string[];
  /** Of the answers, where only these compute in int8. */
  readonly sqnr: string;
  readonly became: string;
}

export const damageTitle = 'What int8 does to the answers, layer by layer';

/** The most damaging first; none where all layers stayed as planned. */
export const damageRows = ({ precision }: Pick<Report, 'precision'>): DamageRow[] =>
  (precision.restored?.groups ?? []).map(({ layers, sqnrDb, restored }) => ({
    layers,
    sqnr: sqnrDb === null ? '–' : formatDb(sqnrDb),
    became: restored ? 'computes in float again' : 'int8',
  }));
