/** What each input of a graph that reads whole texts is for, from names, types and shapes. */
import type { Port } from '../../model/ir/port.ts';
import { tokensPort } from './decoder-ports.ts';

export interface EncoderPorts {
  readonly tokens: Port;
  readonly mask: Port | null;
  readonly tokenTypes: Port | null;
  readonly positions: Port | null;
  /** Inputs that none of this is known to be for. */
  readonly others: readonly Port[];
}

/** As exporters of transformers name them, and BERT's first code (input_mask, segment_ids); without what TensorFlow puts around. */
const bare = ({ name }: Port) => name.replace(/^serving_default_/, '').replace(/:\d+$/, '');

/** null where nothing takes token ids. */
export function encoderPorts(inputs: readonly Port[]): EncoderPorts | null {
  const named = (pattern: RegExp) => inputs.find((p) => pattern.test(bare(p))) ?? null;
  const mask = named(/^(attention|input|padding)_?mask$/);
  const tokenTypes = named(/^(token_type_ids|segment_ids|input_type_ids)$/);
  const positions = named(/^position_ids$/);
  const rest = inputs.filter((p) => p !== mask && p !== tokenTypes && p !== positions);
  const tokens = rest.find((p) => bare(p) === 'input_ids') ?? tokensPort(rest);
  if (!tokens) return null;
  return { tokens, mask, tokenTypes, positions, others: rest.filter((p) => p !== tokens) };
}
