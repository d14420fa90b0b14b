/** Options of the commands that read and write text, for main.ts. */
import { type Command, Option } from 'commander';
import { collect, listed, nonNegative, positive, probability, wholeNumber } from './arguments.ts';

const text = (flags: string, description: string) => new Option(flags, description).helpGroup('Text:');

const withTexts = (command: Command) =>
  command
    .addOption(
      text(
        '--tokenizer <file>',
        'tokenizer.json, a vocabulary (.json or .txt) or tokenizer.bin (default: the one beside the model)',
      ),
    )
    .addOption(text('--ids', 'texts are token ids with spaces between').conflicts('tokenizer'))
    .addOption(text('--encoder <file>', 'encoder_model.onnx that belongs to a decoder'))
    .addOption(
      text(
        '--start-token <id>',
        'what a decoder with an encoder begins with (default: by config.json, else the pad token)',
      ).argParser(wholeNumber),
    )
    .addOption(
      text('--window <n>', 'tokens that the model sees at once (default: all it can)').argParser(positive),
    )
    .addOption(text('--max-tokens <n>', 'tokens to write, at most').default(128).argParser(positive))
    .addOption(
      text('--stop <text>', 'ends the text, beside its end token; one token; repeatable').argParser(collect),
    );

/** Of compress evaluate, beside the data. */
export const withMetrics = (command: Command) =>
  withTexts(
    command
      .addOption(
        new Option(
          '--metric <names>',
          'accuracy, top5, f1 (labelled samples); mse, mae, r2 (target numbers); perplexity (a text); bleu, exact-match (lines of source, tab, target); with commas between (default: accuracy)',
        )
          .argParser((names) => listed(names))
          .helpGroup('Data:'),
      )
      .addOption(new Option('--baseline <model>', 'the original, to see both').helpGroup('Data:')),
  )
    .addOption(text('--baseline-encoder <file>', "the baseline's (default: the same)"))
    .addOption(
      text('--stride <n>', "tokens from a window's begin to the next's (default: the window)").argParser(
        positive,
      ),
    )
    .addOption(
      text('--bleu-tokenizer <name>', "sacreBLEU's: 13a, none, char or intl")
        .choices(['13a', 'none', 'char', 'intl'])
        .default('13a'),
    );

/** Of compress generate. */
export const withSampling = (command: Command) =>
  withTexts(
    command.addOption(
      text('--prompt <text>', 'to go on from, or to translate; "-" reads stdin').makeOptionMandatory(),
    ),
  )
    .addOption(choice('--temperature <t>', '0: the best token; higher: more varied', nonNegative))
    .addOption(choice('--top-k <k>', 'only the k best tokens', positive))
    .addOption(choice('--top-p <p>', 'only the best tokens that together are this probable', probability))
    .addOption(choice('--seed <n>', 'seed of every draw', wholeNumber).default(0))
    .addOption(new Option('--echo', 'print the prompt before the text').helpGroup('Output:'));

const choice = (flags: string, description: string, parse: (text: string) => number) =>
  new Option(flags, description).argParser(parse).helpGroup('Choice:');
