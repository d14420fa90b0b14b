/** Messages of reading Keras networks from TensorFlow.js models. */
import { unsupported, user } from '../diagnostics.ts';
import { cut } from './cut.ts';

export const tfjsLayerUnknown = (
  className: string,
  layer: string,
  suggestion: string | undefined,
  earlier: readonly string[],
) =>
  unsupported(
    'TFJS_LAYER_UNKNOWN',
    `Layer "${layer}" is a ${className}, which edgepress doesn't know${suggestion ? ` (it knows ${suggestion})` : ''}.`,
    earlier.length > 0
      ? cut(earlier)
      : 'Save the model without it, or export it as a graph-model (tensorflowjs_converter --output_format=tfjs_graph_model).',
  );

/** @param problem  as "units is missing; a positive whole number was expected" */
export const tfjsLayerInvalid = (className: string, layer: string, problem: string) =>
  user(
    'TFJS_LAYER_INVALID',
    `${className} "${layer}" can't be built: ${problem}.`,
    'The file is damaged or was written by a faulty exporter; save or convert the model again.',
  );

export const tfjsNetworkInvalid = (network: string, problem: string) =>
  user(
    'TFJS_NETWORK_INVALID',
    `The network "${network}" can't be built: ${problem}.`,
    'The file is damaged or was written by a faulty exporter; save or convert the model again.',
  );

/** @param candidates  weights of the file that end in the same word */
export const tfjsWeightMissing = (
  className: string,
  layer: string,
  weight: string,
  candidates: readonly string[],
) =>
  user(
    'TFJS_WEIGHT_MISSING',
    `${className} "${layer}" needs a weight "${weight}"; ${
      candidates.length === 0
        ? 'the file has none of that name'
        : `of that name the file has ${candidates.slice(0, 3).join(', ')}${candidates.length > 3 ? ' …' : ''}`
    }.`,
    'The model.json belongs to other weights, or lost some; save or convert the model again.',
  );

export const tfjsWeightShape = (
  className: string,
  layer: string,
  weight: string,
  expected: string,
  received: string,
) =>
  user(
    'TFJS_WEIGHT_SHAPE',
    `Weight "${weight}" of ${className} "${layer}" is ${received}; ${expected} was expected.`,
    'The model.json belongs to other weights; save or convert the model again.',
  );

export const tfjsWeightsUnread = (file: string, names: readonly string[]) =>
  user(
    'TFJS_WEIGHTS_UNREAD',
    `${file} brings ${names.length} weights that no layer has: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ' …' : ''}.`,
    'The network and the weights are of different models; save or convert the model again.',
  );
