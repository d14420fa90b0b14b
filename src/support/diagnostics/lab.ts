/** Messages of the device lab. */
import { environment, user } from '../diagnostics.ts';

export const labPort = (port: number, reason: string, cause: unknown) =>
  environment(
    'LAB_PORT',
    `The lab can't listen on port ${port}: ${reason}.`,
    'Choose another with --port, or leave it out: a free one is taken.',
    cause,
  );

export const labNoNetwork = () =>
  environment(
    'LAB_NO_NETWORK',
    'No network address that a phone could reach was found.',
    'Connect to a network, or leave out --lan and use a cable: adb reverse makes the lab reachable from Android.',
  );

/** An answer to a device, shown on its page; the terminal does not stop for it. */
export const labRefused = (
  code:
    | 'LAB_TOKEN'
    | 'LAB_FULL'
    | 'LAB_SESSION'
    | 'LAB_FINISHED'
    | 'LAB_REPEATED'
    | 'LAB_MESSAGE'
    | 'LAB_REQUEST',
  message: string,
) => user(code, message);
