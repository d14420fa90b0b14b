/** All rules, by opKey. An operator without one wants its tensors as they are. */
import { type Node, opKey } from '../../ir/model.ts';
import type { LayoutRule, LayoutTable } from '../rule.ts';
import { absorbingRules } from './absorbing.ts';
import { broadcastingRules } from './broadcasting.ts';
import { oneAxisRules } from './one-axis.ts';
import { productRules } from './products.ts';
import { rankChangingRules } from './rank-changing.ts';
import { reshapeRules } from './reshape.ts';
import { vectorRules } from './vectors.ts';

const rules: LayoutTable = {
  ...absorbingRules,
  ...broadcastingRules,
  ...oneAxisRules,
  ...productRules,
  ...rankChangingRules,
  ...reshapeRules,
  ...vectorRules,
};

export const layoutRule = (node: Node): LayoutRule | null =>
  Object.hasOwn(rules, opKey(node)) ? (rules[opKey(node)] ?? null) : null;
