/** Whether a model writes text, from its graph alone. */
import { constantOf, isOp, type Model } from '../../model/ir/model.ts';
import { outputPortsOf, portsOf } from '../../model/ir/port.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { type DecoderPorts, decoderPorts } from './ports.ts';

/** Takes tokens, and scores each token that it knows: models that put tokens into classes score fewer. One that hands on a state
 *  from token to token scores them in any case. */
export function generatesText(model: Model): boolean {
  const outputs = outputPortsOf(model);
  const ports = portsIfAny({ inputs: portsOf(model), outputs });
  if (!ports) return false;
  const scored = ports.logits.shape?.at(-1);
  const known = knownTokens(model, ports.tokens.name);
  return ports.states.length > 0 || typeof scored !== 'number' || (known !== null && scored >= known);
}

function portsIfAny(ports: Parameters<typeof decoderPorts>[0]): DecoderPorts | null {
  try {
    return decoderPorts(ports);
  } catch (error) {
    if (error instanceof Diagnostic) return null;
    throw error;
  }
}

/** Rows of the table that token ids are looked up in. */
function knownTokens(model: Model, tokens: string): number | null {
  const isTokens = (v: Model['graph']['inputs'][number] | null | undefined): boolean =>
    v != null && (v.name === tokens || (isOp(v.producer, 'Cast') && isTokens(v.producer.inputs[0])));
  for (const node of model.graph.nodes) {
    const table = isOp(node, 'Gather') && isTokens(node.inputs[1]) ? node.inputs[0] : null;
    const rows = table && constantOf(table)?.dims[0];
    if (typeof rows === 'number') return rows;
  }
  return null;
}
