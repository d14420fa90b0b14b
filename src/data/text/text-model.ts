/** What kind of text a model reads, from its graph alone. */
import { constantOf, isOp, type Model } from '../../model/ir/model.ts';
import { outputPortsOf, type Port, portsOf } from '../../model/ir/port.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { type DecoderPorts, decoderPorts, type GraphPorts } from './decoder-ports.ts';
import { type EncoderPorts, encoderPorts } from './encoder-ports.ts';
import { positionLimit } from './position-limit.ts';

export interface TextModel {
  /** Where it may write on: what it takes and gives as such. */
  readonly decoder: DecoderPorts | null;
  /** What it takes as a reader of whole texts. */
  readonly encoder: EncoderPorts;
  /** Most tokens that it sees at once; null where nothing says. */
  readonly limit: number | null;
  /** Ids that it has a row for; null where that isn't known. */
  readonly knownTokens: number | null;
}

/** null where nothing takes token ids.
 *  @param model  the graph, where it is at hand: without it nothing is known of outputs and tables */
export function textModelOf(inputs: readonly Port[], model?: Model): TextModel | null {
  const encoder = encoderPorts(inputs);
  if (!encoder) return null;
  const ports = model && portsIfAny({ inputs, outputs: outputPortsOf(model) });
  return {
    decoder: ports && model && writes(model, ports) ? ports : null,
    encoder,
    limit: model ? positionLimit(model) : null,
    knownTokens: model ? knownTokens(model, encoder.tokens.name) : null,
  };
}

/** Whether a model writes text: it takes tokens, and scores each token that it knows. Models that put tokens into classes score
 *  fewer. One that hands on a state from token to token scores them in any case. */
export function generatesText(model: Model): boolean {
  const ports = portsIfAny({ inputs: portsOf(model), outputs: outputPortsOf(model) });
  return ports !== null && writes(model, ports);
}

function writes(model: Model, { logits, states, tokens }: DecoderPorts): boolean {
  const scored = logits.shape?.at(-1);
  const known = knownTokens(model, tokens.name);
  return states.length > 0 || typeof scored !== 'number' || (known !== null && scored >= known);
}

function portsIfAny(ports: GraphPorts): DecoderPorts | null {
  try {
    return decoderPorts(ports);
  } catch (error) {
    if (error instanceof Diagnostic) return null;
    throw error;
  }
}

/** Rows of the table that token ids are looked up in; null where none is found. */
export function knownTokens(model: Model, tokens: string): number | null {
  const isTokens = (v: Model['graph']['inputs'][number] | null | undefined): boolean =>
    v != null && (v.name === tokens || (isOp(v.producer, 'Cast') && isTokens(v.producer.inputs[0])));
  for (const node of model.graph.nodes) {
    const table = isOp(node, 'Gather') && isTokens(node.inputs[1]) ? node.inputs[0] : null;
    const rows = table && constantOf(table)?.dims[0];
    if (typeof rows === 'number') return rows;
  }
  return null;
}
