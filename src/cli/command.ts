/** A command of the program: its options, which are the fields of a request, and what it does with them. */
import type { Command } from 'commander';
import type { z } from 'zod';
import type { RequestField } from '../support/field.ts';
import { parseRequest } from '../support/parse-request.ts';
import { addOptions, givenIn } from './options.ts';

export interface CommandDefinition {
  addTo(command: Command): void;
  run(words: readonly string[], command: Command): Promise<void>;
}

interface CommandInit<S extends z.ZodObject> {
  readonly request: S;
  /** Options that the help lists; those left out are understood all the same. */
  readonly shown?: (field: RequestField) => boolean;
  /** @param words  the arguments that are not options @param request  complete @param given  what was typed of it */
  run(words: readonly string[], request: z.output<S>, given: z.input<S>): Promise<void>;
}

/** Import what a command needs to run inside of `run`: the file is loaded for its help, too. */
export const defineCommand = <S extends z.ZodObject>(init: CommandInit<S>): CommandDefinition => ({
  addTo: (command) => addOptions(command, init.request, init.shown),
  async run(words, command) {
    const given = givenIn(command, init.request);
    await init.run(words, parseRequest(init.request, given, 'option'), given);
  },
});
