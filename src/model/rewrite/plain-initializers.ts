/** Initializers that are not inputs. */
import { removeInput } from '../ir/edit.ts';
import type { Model } from '../ir/model.ts';

/** Makes room for initializers that are not inputs: they exist since IR version 4. Before, every weight was an input too and
 *  yet constant; as such inputs would count as defaults to override from version 4 on, they leave the inputs. */
export function allowPlainInitializers(model: Model): void {
  if (model.irVersion >= 4) return;
  model.irVersion = 4;
  for (const v of model.graph.inputs.filter((i) => i.constant && !i.overridable)) removeInput(model.graph, v);
}
