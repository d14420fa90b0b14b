/** What a model remembers of the prunings that it went through, so that targets go on to mean shares of the dense model. */
import type { Model } from '../../model/ir/model.ts';
import { defineNote } from '../../model/ir/note.ts';
import type { Bindings } from '../../model/ops/dims.ts';
import type { ChannelGroup } from './channel-groups.ts';
import type { Cost } from './cost-model.ts';

/** Widths of groups by kind and node, in the order of the groups: a node can make several (behind a Split). */
type Widths = ReadonlyMap<string, readonly number[]>;

interface PruneHistory {
  /** Cost of the model before the first pruning, and the sizes of symbols that it was counted for. */
  readonly cost?: Cost;
  readonly bindings?: string;
  readonly widths?: Widths;
  /** The share of units that was removed, where a share was asked for. */
  readonly ratio?: number;
}

const history = defineNote<Model, PruneHistory>('pruning history');

function add(model: Model, more: PruneHistory): void {
  history.set(model, { ...history.get(model), ...more });
}

const bindingsText = (bindings: Bindings = {}) => JSON.stringify(Object.entries(bindings).sort());

const keyOf = ({ kind, name }: ChannelGroup) => `${kind} ${name}`;

/** The cost of the model before any pruning. @param now  its cost as it is */
export function denseCost(model: Model, now: Cost, bindings: Bindings | undefined): Cost {
  const known = history.get(model);
  if (!known?.cost || known.bindings !== bindingsText(bindings)) return now;
  return { ...known.cost, latencyMs: known.cost.latencyMs ?? now.latencyMs };
}

export const rememberCost = (model: Model, cost: Cost, bindings: Bindings | undefined): void =>
  add(model, { cost, bindings: bindingsText(bindings) });

/** Every group's width before any pruning. */
export function denseWidths(model: Model, groups: readonly ChannelGroup[]): number[] {
  const known = history.get(model)?.widths;
  const met = new Map<string, number>();
  return groups.map((g) => {
    const key = keyOf(g);
    const place = met.get(key) ?? 0;
    met.set(key, place + 1);
    return known?.get(key)?.[place] ?? g.units.length;
  });
}

export function rememberWidths(model: Model, groups: readonly ChannelGroup[]): void {
  const widths = new Map<string, number[]>();
  denseWidths(model, groups).forEach((width, i) => {
    const key = keyOf(groups[i]!);
    widths.set(key, [...(widths.get(key) ?? []), width]);
  });
  add(model, { widths });
}

/** The share of units that went in earlier prunings by share; 0 when there was none. */
export const prunedRatio = (model: Model): number => history.get(model)?.ratio ?? 0;

export const rememberRatio = (model: Model, ratio: number): void => add(model, { ratio });
