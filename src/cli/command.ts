/** A command of the program: its options, which are the fields of a request, and what it does with them. */
import type { Command } from 'commander';
import type { z } from 'zod';
import { configField } from '../compress/request/output-fields.ts';
import type { Configured } from '../jobs/requests/index.ts';
import type { RequestField } from '../support/field.ts';
import { parseRequest } from '../support/parse-request.ts';
import { addOptions, givenIn } from './options.ts';

export interface CommandDefinition {
  addTo(command: Command): void;
  run(words: readonly string[], command: Command): Promise<void>;
}

interface CommandInit<S extends z.ZodObject> {
  readonly request: S;
  /** Whose part of a configuration file completes the request. */
  readonly configured?: Configured;
  /** Options that the help lists; those left out are understood all the same. */
  readonly shown?: (field: RequestField) => boolean;
  /** @param words  the arguments that are not options @param request  complete @param given  what was asked for of it */
  run(words: readonly string[], request: z.output<S>, given: z.input<S>): Promise<void>;
}

/** Import what a command needs to run inside of `run`: the file is loaded for its help, too. */
export function defineCommand<S extends z.ZodObject>(init: CommandInit<S>): CommandDefinition {
  const { request, configured } = init;
  const options = configured ? request.extend({ config: configField }) : request;
  return {
    addTo: (command) => addOptions(command, options, init.shown),
    async run(words, command) {
      const typed: Record<string, unknown> = givenIn(command, options);
      const given = configured ? await completed(request, configured, typed) : (typed as z.input<S>);
      await init.run(words, parseRequest(request, given, 'option'), given);
    },
  };
}

/** What was typed, with what a configuration file says beside it. */
async function completed<S extends z.ZodObject>(
  request: S,
  command: Configured,
  { config = true, ...typed }: Readonly<Record<string, unknown>>,
): Promise<z.input<S>> {
  const given = typed as z.input<S>;
  if (config === false) return given;
  const { loadConfig } = await import('../jobs/load-config.ts');
  const loaded = await loadConfig(config as string | true, command);
  if (!loaded || Object.keys(loaded.request).length === 0) return given;
  const { mergeConfig } = await import('../compress/merge-config.ts');
  return mergeConfig(request, loaded.request as z.input<S>, given).request;
}
