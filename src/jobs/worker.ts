/** `worker`: does jobs of sweeps that others put into a queue, until it is stopped. */
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeHiddenFolder, removeHiddenFolder } from '../support/hidden-folder.ts';
import { cacheFolder } from '../support/json-store.ts';
import type { WorkerRequest } from './requests/sweep.ts';
import { fetchedContents } from './sweep/lay-out.ts';
import { openProcesses } from './sweep/processes.ts';
import { type WorkerEvents, work } from './sweep/queue/work.ts';
import { usualLanes } from './sweep/run-here.ts';
import { openStore } from './sweep/store.ts';

/** What models take in memory is not known before they come. */
const usualModelBytes = 50e6;

interface WorkerRun {
  /** Ends it: what it is doing goes back to the queue. */
  readonly signal: AbortSignal;
  readonly events: WorkerEvents;
}

/** Until the signal. @throws QUEUE_MISSING, QUEUE_UNREACHABLE */
export async function workFor(request: WorkerRequest, { signal, events }: WorkerRun): Promise<void> {
  const store = openStore(request.store);
  const folder = makeHiddenFolder(path.join(tmpdir(), 'edgepress-worker'));
  const processes = openProcesses();
  try {
    await work({
      url: request.queue,
      site: {
        ...{ store, processes, folder },
        contents: fetchedContents(store, cacheFolder('contents')),
        timeoutMs: request.timeout * 60_000,
      },
      classes: [...new Set(request.class)],
      lanes: request.jobs ?? usualLanes(usualModelBytes),
      rate: request.rate,
      signal,
      events,
    });
  } finally {
    processes.close();
    removeHiddenFolder(folder);
  }
}
