/** What can go wrong when a network is built, or weights move from one graph to another. */
import { Diagnostic } from '../diagnostics.ts';

const user = (code: string, message: string, hint: string) => new Diagnostic(code, 'user', message, hint);

/** @param what  the setting, what it must be and what came, as 'width must be a multiple of heads (4); 50 came' */
export const networkConfig = (network: string, what: string) =>
  user(
    'NETWORK_CONFIG',
    `The network "${network}" can't be built: ${what}.`,
    'Change that setting of the network.',
  );

export const networkShapes = (network: string, node: string, op: string, reason: string, count: number) =>
  user(
    'NETWORK_SHAPES',
    `The network "${network}" does not fit together at ${op} "${node}": ${reason}${count > 1 ? ` (and at ${count - 1} more)` : ''}.`,
    'Compare the sizes of the layer before with those of this one.',
  );

export const networkName = (network: string, name: string) =>
  user(
    'NETWORK_NAME',
    `The network "${network}" has two values called "${name}".`,
    'Give each input, output and layer its own name; b.at("block1") prefixes the names inside.',
  );

export const weightsMismatch = (name: string, expected: string, received: string) =>
  user(
    'WEIGHTS_MISMATCH',
    `Weight "${name}" is ${expected} in the model that receives it and ${received} in the one that gives it.`,
    'Build both networks with the same sizes.',
  );

export const weightsMissing = (missing: readonly string[], total: number, like: string | undefined) =>
  user(
    'WEIGHTS_MISSING',
    `${missing.length} of ${total} weights have no counterpart by name (first: "${missing[0]}"${like ? `; the other model has "${like}"` : ''}).`,
    'Build both networks with the same names, or allow it with { partial: true }.',
  );
