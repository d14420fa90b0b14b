/** A request typed is understood as the request that it came from. */
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { addOptions, givenIn } from '../../src/cli/options.ts';
import { type CompressRequestInit, compressRequest } from '../../src/compress/request.ts';
import { flagsOf } from '../../src/support/flags.ts';

const typed = (flags: string) => {
  const command = addTo(new Command().exitOverride());
  // No text here has blanks or quotes within.
  command.parse(flags.split(' ').filter(Boolean), { from: 'user' });
  return givenIn(command, compressRequest);
};

function addTo(command: Command): Command {
  addOptions(command, compressRequest);
  return command;
}

it.each<CompressRequestInit>([
  {},
  { int8: true, data: 'photos/' },
  { int8: 'static', weightBits: 4, macs: 0.5, distill: true, epochs: 2, data: 'a.npz', evaluate: 10 },
  { measure: false, compare: false, reconstruct: false, checkpoint: false },
  { include: ['Conv', 'MatMul'], int8: true, outputs: ['a', 'b'], sizes: { batch: 1, sequence: 128 } },
  { choose: 20, compareChosen: true, seed: 3 },
])('%j', (request) => {
  expect(compressRequest.parse(typed(flagsOf(compressRequest, request)))).toEqual(
    compressRequest.parse(request),
  );
});

it('leaves out what is the default', () => {
  expect(flagsOf(compressRequest, compressRequest.parse({ int8: true }))).toBe('--int8');
});
