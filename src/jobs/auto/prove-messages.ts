/** What the process is told that makes the winner, and what it answers. */
import type { CompressRequestInit } from '../../compress/request.ts';
import type { Search } from '../../judge/report/search.ts';
import type { SweepFailure } from '../../judge/report/sweep-report.ts';

export interface ProveTask {
  readonly model: string;
  readonly request: CompressRequestInit;
  readonly command: string;
  /** Where to write what the request says no place for. */
  readonly output: string | undefined;
  readonly search: Search;
}

export type ProveAnswer =
  | { readonly kind: 'begin'; readonly step: string }
  | { readonly kind: 'progress'; readonly step: string; readonly done: number; readonly total: number }
  | { readonly kind: 'note'; readonly step: string; readonly text: string }
  | { readonly kind: 'end'; readonly step: string; readonly text: string; readonly ms: number }
  /** A folder that goes, should the process be ended now. */
  | { readonly kind: 'making'; readonly folder: string | null }
  /** Paths of what was written, the model first, and the report's JSON among them. */
  | { readonly kind: 'done'; readonly files: readonly string[] }
  | { readonly kind: 'failed'; readonly error: SweepFailure };
