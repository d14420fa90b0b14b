/** The device lab from start to end: opens the bundle, serves it, saves what comes in, stops when told, when idle, or
 *  after the first device. */

import { accessSync, constants } from 'node:fs';
import type { Stoppable } from '../compute/engine/run-context.ts';
import { type AdbReverse, reversePort } from '../ship/lab/adb.ts';
import { openBundle } from '../ship/lab/bundle.ts';
import { createCertificate } from '../ship/lab/certificate.ts';
import { listFiles } from '../ship/lab/files.ts';
import { lanAddresses } from '../ship/lab/network.ts';
import { loadPageScripts } from '../ship/lab/page-scripts.ts';
import { deviceResult, type LabDeviceResult, readEarlier, saveResults } from '../ship/lab/results.ts';
import { createRoster, type LabDevice, type LabEvent } from '../ship/lab/roster.ts';
import { startLabServer } from '../ship/lab/server.ts';
import { installedVersion } from '../ship/profile/machine.ts';
import { outputUnwritable } from '../support/diagnostics/files.ts';
import { labNoNetwork } from '../support/diagnostics/lab.ts';

export interface LabRequest extends Stoppable {
  /** Folder of a bundle. */
  readonly bundle: string;
  /** 0: a free one. */
  readonly port: number;
  /** Reachable from the network, not only from this machine. */
  readonly lan: boolean;
  readonly https: boolean;
  readonly idleMs: number;
  /** Ends when the first device has finished. */
  readonly once: boolean;
  /** Default 128. */
  readonly maxDevices?: number;
  /** It listens now. */
  readonly onOpen?: (lab: OpenLab) => void;
  readonly onEvent?: (event: LabEvent, devices: readonly LabDevice[]) => void;
}

export interface OpenLab {
  readonly bundle: string;
  readonly variants: number;
  /** With the token; the one to put into a QR code first. All lead here. */
  readonly urls: readonly string[];
  /** Whether phones can reach the first of them: by the network, or by a cable. */
  readonly phones: 'network' | 'cable' | 'none';
  /** Whether browsers treat all of them as secure contexts, without which there are no WebGPU and no threads. */
  readonly secure: boolean;
  /** Of the certificate, with --https. */
  readonly fingerprint: string | null;
  /** Phones on a cable that adb connected. */
  readonly cables: readonly string[];
}

type LabEnd = 'interrupted' | 'idle' | 'once';

export interface LabSummary {
  readonly end: LabEnd;
  readonly devices: readonly LabDeviceResult[];
  /** Paths written; none when no device sent a thing. */
  readonly files: readonly string[];
}

/** An abort ends the lab in order; it does not throw.
 *  @throws BUNDLE_NOT_FOUND, BUNDLE_UNREADABLE, OUTPUT_EXISTS, OUTPUT_UNWRITABLE, LAB_PORT, LAB_NO_NETWORK,
 *    ENGINE_MISSING */
export async function runLab(request: LabRequest): Promise<LabSummary> {
  const bundle = openBundle(request.bundle);
  const earlier = readEarlier(request.bundle);
  checkWritable(request.bundle);
  const runtimeVersion = installedVersion('onnxruntime-web') ?? 'unknown';
  const runtime = `onnxruntime-web ${runtimeVersion}`;
  const network = request.lan ? lanAddresses() : [];
  if (request.lan && network.length === 0) throw labNoNetwork();

  const ending = createEnding(request);
  const results = () => roster.devices.map((device) => deviceResult(device, bundle.manifest, runtime));
  let files: readonly string[] = [];
  let failure: unknown = null;
  /** Whoever has sent something; a page that was only opened leaves no trace. */
  const save = () => {
    const worth = results().filter((device) => device.runs.length > 0);
    if (worth.length > 0) files = saveResults(request.bundle, bundle.manifest.name, earlier, worth);
  };
  const roster = createRoster({
    manifest: bundle.manifest,
    runtime: runtimeVersion,
    maxDevices: request.maxDevices ?? 128,
    onEvent(event) {
      request.onEvent?.(event, roster.devices);
      if (event.type !== 'finished') return;
      try {
        save();
      } catch (error) {
        failure = error;
        ending.end('once');
      }
      if (request.once) ending.end('once');
    },
  });
  const certificate = request.https ? await createCertificate(['127.0.0.1', ...network]) : undefined;
  const server = await startLabServer({
    roster,
    files: await listFiles(bundle, await loadPageScripts()),
    address: request.lan ? '0.0.0.0' : '127.0.0.1',
    port: request.port,
    hosts: ['localhost', '127.0.0.1', ...network],
    certificate,
    onActivity: ending.activity,
  });
  let adb: AdbReverse | null = null;
  try {
    adb = await reversePort(server.port);
    request.onOpen?.(describe({ bundle, server, roster, network, certificate, adb }));
    const end = await ending.ended;
    // The last answer is still on its way to the device that ended the lab.
    if (end === 'once') await new Promise((resolve) => setTimeout(resolve, 200));
    if (failure !== null) throw failure;
    save();
    return { end, devices: results(), files };
  } finally {
    ending.dispose();
    await server.close();
    await adb?.dispose();
  }
}

interface Parts {
  readonly bundle: ReturnType<typeof openBundle>;
  readonly server: { readonly port: number };
  readonly roster: { readonly token: string };
  readonly network: readonly string[];
  readonly certificate: { readonly fingerprint: string } | undefined;
  readonly adb: AdbReverse | null;
}

function describe({ bundle, server, roster, network, certificate, adb }: Parts): OpenLab {
  const scheme = certificate ? 'https' : 'http';
  const cables = adb?.phones ?? [];
  return {
    bundle: bundle.manifest.name,
    variants: bundle.manifest.variants.length,
    urls: [...network, 'localhost'].map((host) => `${scheme}://${host}:${server.port}/#${roster.token}`),
    phones: network.length > 0 ? 'network' : cables.length > 0 ? 'cable' : 'none',
    secure: certificate !== undefined || network.length === 0,
    fingerprint: certificate?.fingerprint ?? null,
    cables,
  };
}

function checkWritable(folder: string): void {
  try {
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw outputUnwritable(folder, 'no permission to save results there', cause);
  }
}

/** Resolves once, with the first reason that comes. */
function createEnding({ idleMs, signal }: Pick<LabRequest, 'idleMs' | 'signal'>) {
  let end: (reason: LabEnd) => void = () => {};
  const ended = new Promise<LabEnd>((resolve) => {
    end = resolve;
  });
  const interrupt = () => end('interrupted');
  let timer: ReturnType<typeof setTimeout>;
  const activity = () => {
    clearTimeout(timer);
    timer = setTimeout(() => end('idle'), idleMs);
  };
  activity();
  if (signal?.aborted) interrupt();
  signal?.addEventListener('abort', interrupt, { once: true });
  return {
    ended,
    end: (reason: LabEnd) => end(reason),
    activity,
    dispose() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', interrupt);
    },
  };
}
