/** Which nodes a user means by --include and --exclude: an op type ("Conv"), a node or value name, a glob
 *  ("features.0*"), or a regular expression between slashes ("/attn.*proj/"). */

import { isDType } from '../../model/ir/dtype.ts';
import { type Model, type Node, opKey } from '../../model/ir/model.ts';
import { defineNote } from '../../model/ir/note.ts';
import { nodesOf } from '../../model/ir/walk.ts';
import { patternMatchesNothing, regexInvalid } from '../../support/diagnostics/passes.ts';
import { layerNote } from './layers.ts';

export interface Selection {
  /** Nothing given: everything is included. */
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
}

/** Patterns that matched something for an earlier pass. */
const matched = defineNote<Model, ReadonlySet<string>>('patterns');

/** Resolves the patterns against a model. Layers that an earlier pass rewrote are still found by their old name, and a
 *  pattern that matched for an earlier pass may match nothing now. @throws PATTERN_MATCHES_NOTHING, PATTERN_INVALID */
export function selectNodes(model: Model, selection: Selection): (node: Node) => boolean {
  const nodes = [...nodesOf(model)];
  const known = new Set(matched.get(model));
  const resolve = (patterns: readonly string[] | undefined) => {
    if (!patterns || patterns.length === 0) return null;
    const chosen = new Set<Node>();
    for (const pattern of patterns) {
      const matches = matcher(pattern);
      const found = nodes.filter((n) => namesOf(n).some(matches));
      if (found.length === 0 && !known.has(pattern)) throw patternMatchesNothing(pattern, suggestions(nodes));
      known.add(pattern);
      for (const n of found) chosen.add(n);
    }
    return chosen;
  };
  const included = resolve(selection.include);
  const excluded = resolve(selection.exclude);
  if (known.size > 0) matched.set(model, known);
  return (node) => (included?.has(node) ?? true) && !(excluded?.has(node) ?? false);
}

/** Layers by their very names, as reports have them. @throws PATTERN_MATCHES_NOTHING */
export function layersNamed(model: Model, names: readonly string[]): (node: Node) => boolean {
  if (names.length === 0) return () => false;
  const wanted = new Set(names);
  const nameOf = (n: Node) => layerNote(n)?.name ?? (n.name || n.outputs.find((v) => v)?.name);
  const known = new Set([...nodesOf(model)].flatMap((n) => nameOf(n) ?? []));
  const missing = names.find((name) => !known.has(name));
  if (missing !== undefined) throw patternMatchesNothing(missing, [...known]);
  return (node) => wanted.has(nameOf(node) ?? '');
}

/** Op type, node name and output names, now and before the node became what it is. */
function namesOf(n: Node): string[] {
  const layer = layerNote(n);
  const before = layer ? [layer.name, layer.opType] : [];
  return [opKey(n), n.name, ...n.outputs.flatMap((v) => (v ? [v.name] : [])), ...before].filter(Boolean);
}

function suggestions(nodes: readonly Node[]): string[] {
  const ops = new Set(nodes.map(opKey).filter((k) => !isDType(k)));
  return [...ops, ...nodes.flatMap((n) => n.name || (n.outputs[0]?.name ?? []))];
}

function matcher(pattern: string): (name: string) => boolean {
  if (pattern.length > 2 && pattern.startsWith('/') && pattern.endsWith('/')) {
    try {
      const re = new RegExp(pattern.slice(1, -1), 'u');
      return (name) => re.test(name);
    } catch (cause) {
      throw regexInvalid(pattern, cause);
    }
  }
  if (!/[*?]/.test(pattern)) return (name) => name === pattern;
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  const re = new RegExp(`^${source}$`, 'u');
  return (name) => re.test(name);
}
