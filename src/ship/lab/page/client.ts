/** Talks to the lab. The token stands in the fragment of the address, which browsers send to nobody; the session key
 *  outlives a reload in sessionStorage. */
import type { DeviceFacts, JoinReply, Message } from '../messages.ts';

/** `status` 0: the lab could not be reached. */
interface Refusal {
  readonly status: number;
  readonly message: string;
}

export type Answer<T> = { readonly value: T } | { readonly refused: Refusal };

const keyName = 'edgepress-lab-session';
const pausesMs = [300, 1000, 3000];

export const tokenOf = (fragment: string) => fragment.replace(/^#/, '');

/** A session belongs to a token: another lab on the same address starts a new one. */
function remembered(token: string): string | null {
  const [owner, session] = (stored() ?? '').split(' ');
  return owner === token && session ? session : null;
}

function stored(): string | null {
  try {
    return sessionStorage.getItem(keyName);
  } catch {
    return null;
  }
}

function remember(token: string, session: string): void {
  try {
    sessionStorage.setItem(keyName, `${token} ${session}`);
  } catch {
    // Without storage a reload starts a new session.
  }
}

export async function join(token: string, device: DeviceFacts): Promise<Answer<JoinReply>> {
  const answer = await post('/api/join', { token, session: remembered(token), device });
  if ('refused' in answer) return answer;
  const reply = (await answer.value.json()) as JoinReply;
  remember(token, reply.session);
  return { value: reply };
}

/** What was said already counts as said: a first answer may have been lost on the way. */
export async function send(session: string, message: Message): Promise<Answer<true>> {
  const answer = await post('/api/message', message, { authorization: `Bearer ${session}` });
  if ('refused' in answer && answer.refused.status !== 409) return answer;
  return { value: true };
}

/** Tries again while the network fails; a refusal stands. */
async function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer<Response>> {
  for (const pause of [...pausesMs, null]) {
    try {
      const response = await fetch(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
      if (response.ok) return { value: response };
      const told = (await response.json().catch(() => null)) as { error?: { message?: string } } | null;
      const message = told?.error?.message ?? `The lab answered with status ${response.status}.`;
      return { refused: { status: response.status, message } };
    } catch {
      if (pause !== null) await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return {
    refused: {
      status: 0,
      message: 'The lab does not answer. It has ended, or this device left its network.',
    },
  };
}
