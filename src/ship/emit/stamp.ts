import type { Model } from '../../model/ir/model.ts';

/** Marks a model as ours: such a file may be replaced unasked. */
export function stampMetadata(
  model: Model,
  recipe: { readonly name: string; readonly target: string },
): void {
  model.metadata.set('edgepress', `made with recipe ${recipe.name}, target ${recipe.target}`);
}
