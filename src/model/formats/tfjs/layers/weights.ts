/** Which weight of the file belongs to which layer. Names decide, never the order: files list what is trainable first, and a
 *  head before its base. Exporters put the names of networks and cells around those of layers, and Keras 3 numbers the weights
 *  of a layer.
 *  Source: tfjs-layers src/engine/container.ts, loadWeights; keras src/saving/saving_lib.py. */
import {
  tfjsLayerInvalid,
  tfjsWeightMissing,
  tfjsWeightShape,
  tfjsWeightsUnread,
} from '../../../../support/diagnostics/tfjs-layers.ts';
import type { Tensor } from '../../../ir/tensor.ts';

/** Where a layer stands. */
export interface LayerScope {
  readonly className: string;
  /** For messages. */
  readonly layer: string;
  /** Names that files may call it, the likeliest first. */
  readonly names: readonly string[];
  /** What Keras 3 calls it where it numbers the weights: its class and its place among those of the class. */
  readonly numberedName: string;
  /** Names of the networks and wrappers that it stands in, outermost first. */
  readonly around: readonly string[];
  /** Weights that were asked for, in Keras's order, by which Keras 3 numbers them. */
  readonly asked: string[];
  /** Of its cells and directions, by their names. */
  readonly parts: Map<string, LayerScope>;
}

export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

export interface LayerWeights {
  /** A weight of a layer; the same again when it is asked for again.
   *  @param keys  what Keras calls it, other names of it behind
   *  @param shape  null: any size
   *  @throws TFJS_WEIGHT_MISSING, TFJS_WEIGHT_SHAPE, TFJS_LAYER_INVALID when two layers would share it */
  get(scope: LayerScope, keys: readonly string[], shape: readonly (number | null)[]): NamedTensor;
  has(scope: LayerScope, keys: readonly string[]): boolean;
  /** @throws TFJS_WEIGHTS_UNREAD */
  checkAllRead(file: string): void;
}

export function layerWeights(tensors: ReadonlyMap<string, Tensor>): LayerWeights {
  const names = new Map([...tensors.keys()].map((name) => [plain(name), name]));
  const byKey = new Map<string, string[]>();
  for (const name of names.keys()) {
    const key = lastOf(name);
    const list = byKey.get(key);
    if (list) list.push(name);
    else byKey.set(key, [name]);
  }
  const owners = new Map<string, LayerScope>();
  const find = (scope: LayerScope, keys: readonly string[]) => {
    for (const key of keys) {
      const found = bestMatch(scope.names, scope.around, key, names, byKey.get(key) ?? []);
      if (found !== undefined) return found;
    }
    const index = String(scope.asked.indexOf(keys[0]!));
    const own = [...scope.names, scope.numberedName];
    return bestMatch(own, scope.around, index, names, byKey.get(index) ?? []);
  };
  return {
    get(scope, keys, shape) {
      if (!scope.asked.includes(keys[0]!)) scope.asked.push(keys[0]!);
      const found = find(scope, keys);
      if (found === undefined)
        throw tfjsWeightMissing(scope.className, scope.layer, keys[0]!, byKey.get(keys[0]!) ?? []);
      const owner = owners.get(found) ?? scope;
      if (owner !== scope)
        throw tfjsLayerInvalid(
          scope.className,
          scope.layer,
          `its weight "${found}" is that of ${owner.className} "${owner.layer}" too`,
        );
      owners.set(found, scope);
      const name = names.get(found)!;
      const tensor = tensors.get(name)!;
      if (!fits(tensor.dims, shape)) throw wrongShape(scope, name, tensor, shape);
      return { name, tensor };
    },
    has: (scope, keys) => find(scope, keys) !== undefined,
    checkAllRead(file) {
      const unread = [...names.keys()].filter((name) => !owners.has(name) && !isState.test(name));
      if (unread.length > 0) throw tfjsWeightsUnread(file, unread);
    },
  };
}

/** Counters and random generators that layers keep beside their weights. */
const isState = /(^|\/)(seed_generator|count|optimizer)(\/|$)/;

/** Without the parts that only say how it was saved: ":0" of TensorFlow 1, "_layer_checkpoint_dependencies" and "vars" of
 *  Keras 3. */
const plain = (name: string) =>
  name
    .replace(/:\d+$/, '')
    .split('/')
    .filter((part) => !['_layer_checkpoint_dependencies', 'layers', 'vars'].includes(part))
    .join('/');

const lastOf = (name: string) => name.slice(name.lastIndexOf('/') + 1);

function bestMatch(
  names: readonly string[],
  around: readonly string[],
  key: string,
  all: ReadonlyMap<string, string>,
  candidates: readonly string[],
): string | undefined {
  for (const own of names)
    for (let from = 0; from <= around.length; from++) {
      const exact = [...around.slice(from), own, key].join('/');
      if (all.has(exact)) return exact;
    }
  const within = (name: string, part: string) => `/${name}/`.includes(`/${part}/`);
  const scored = candidates
    .filter((name) => names.some((own) => within(name.slice(0, -key.length), own)))
    .map((name) => ({ name, score: around.filter((part) => within(name, part)).length }));
  const best = Math.max(...scored.map(({ score }) => score));
  const found = scored.filter(({ score }) => score === best);
  // Two that fit equally well: which one is meant isn't known.
  return found.length === 1 ? found[0]!.name : undefined;
}

const fits = (dims: readonly number[], shape: readonly (number | null)[]) =>
  dims.length === shape.length && dims.every((d, i) => shape[i] === null || shape[i] === d);

const wrongShape = (
  { className, layer }: LayerScope,
  name: string,
  { dtype, dims }: Tensor,
  shape: readonly (number | null)[],
) =>
  tfjsWeightShape(
    className,
    layer,
    name,
    `[${shape.map((d) => d ?? '?').join(',')}]`,
    `${dtype} [${dims.join(',')}]`,
  );
