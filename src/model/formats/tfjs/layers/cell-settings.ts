/** Layers and cells in the settings of others. */
import { z } from 'zod';
import type { GateKind } from './cells.ts';
import { type LayerConfig, layerConfig } from './config.ts';

const objectSchema = z.object({ class_name: z.string(), config: z.record(z.string(), z.unknown()) });

const nested = ({ class_name, config }: z.infer<typeof objectSchema>, otherwise: string): LayerConfig => {
  const name = config['name'];
  return layerConfig(class_name, typeof name === 'string' ? name : otherwise, config);
};

/** The layer under a key, by its own name where it has one. @throws TFJS_LAYER_INVALID */
export const settingsOf = (config: LayerConfig, key: string): LayerConfig =>
  nested(config.read(key, objectSchema), config.name);

/** The layers in a list. @throws TFJS_LAYER_INVALID */
export const settingsList = (config: LayerConfig, key: string): LayerConfig[] =>
  config.read(key, z.array(objectSchema).nonempty()).map((entry) => nested(entry, config.name));

const kinds: Readonly<Record<string, GateKind>> = {
  SimpleRNN: 'SimpleRNN',
  GRU: 'GRU',
  LSTM: 'LSTM',
  SimpleRNNCell: 'SimpleRNN',
  GRUCell: 'GRU',
  LSTMCell: 'LSTM',
};

/** What a layer or cell computes. @throws TFJS_LAYER_INVALID */
export function gateKind(config: LayerConfig): GateKind {
  const kind = Object.hasOwn(kinds, config.className) ? kinds[config.className] : undefined;
  return kind ?? config.fail(`${config.className} is not one of ${Object.keys(kinds).join(', ')}`);
}
