/** What a result was compared on where no samples were held back, and what that tells. */
import { z } from 'zod';

export const probeSchema = z.object({
  /** 'seen': samples that it was calibrated on or learnt from; 'text': ours, through the tokeniser beside the model; 'made-up':
   *  seeded inputs. */
  kind: z.enum(['seen', 'text', 'made-up']),
  /** For people: "text that ships with edgepress (16 windows)". */
  what: z.string(),
  samples: z.number(),
  /** How many different answers the original gives to them, where an answer is a choice. */
  choices: z.number().optional(),
  /** Channels were chosen by others of the same kind, and what is left fitted to them. */
  fitted: z.boolean().optional(),
  /** The model reads text; absent where it doesn't. */
  readsText: z.boolean().optional(),
});

export type Probe = z.infer<typeof probeSchema>;
type Kind = Probe['kind'];

/** "same answer for 96.9 % of 32 made-up inputs" */
export const probeNouns: Readonly<Record<Kind, string>> = {
  seen: 'samples already seen',
  text: 'pieces of shipped text',
  'made-up': 'made-up inputs',
};

const tells: Readonly<Record<Kind, (probe: Probe) => string>> = {
  seen: ({ what, samples }) =>
    `Compared on ${samples} of the samples that it was made with (${what}), since none was left: on others it may do worse. Give more with --data.`,
  text: ({ what }) =>
    `Compared on ${what}, not on yours: that tells whether the model still does what it did, and little of how well it does it on your texts. Pass --data to know.`,
  'made-up': ({ what, samples, choices }) =>
    choices === 1 && samples > 1
      ? `The original gives the same answer to all that it was compared on (${what}): that the result gives it too says little. Pass --data to know.`
      : `Compared on ${what}: they tell a broken model from a sound one, and nothing of its accuracy. Pass --data to know.`,
};

/** What it can and can't tell. */
export const probeTells = (probe: Probe): string => tells[probe.kind](probe);
