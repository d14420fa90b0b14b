/** A Redis server of a test's own, on a free port, with its data in a folder; tests that need one are skipped where it is missing. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';

export interface RedisServer {
  /** With its password. */
  readonly url: string;
  readonly port: number;
  readonly password: string;
  /** Ends it, as an administrator does, and starts it again with what it kept. */
  restart(downMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** Why there can be none; null where there can. */
export function redisMissing(): string | null {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
  } catch {
    return 'no redis-server is installed';
  }
  try {
    const require = createRequire(import.meta.url);
    for (const name of ['bullmq', 'ioredis']) require.resolve(name);
    return null;
  } catch {
    return 'bullmq and ioredis are not installed (npm ci)';
  }
}

export async function startRedis(folder: string): Promise<RedisServer> {
  const port = await freePort();
  const password = 'not-to-be-printed';
  let server = await start(folder, port, password);
  return {
    ...{ port, password, url: `redis://:${password}@127.0.0.1:${port}` },
    async restart(downMs) {
      await ended(server);
      await new Promise((resolve) => setTimeout(resolve, downMs));
      server = await start(folder, port, password);
    },
    stop: () => ended(server),
  };
}

async function start(folder: string, port: number, password: string): Promise<ChildProcess> {
  const options = ['--port', port, '--bind', '127.0.0.1', '--dir', folder, '--requirepass', password];
  const kept = ['--appendonly', 'yes', '--save', '', '--maxmemory-policy', 'noeviction'];
  const server = spawn('redis-server', [...options, ...kept].map(String), { stdio: 'ignore' });
  for (let i = 0; i < 200 && !(await answers(port)); i++) await new Promise((r) => setTimeout(r, 50));
  return server;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const is = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => is(true)).once('error', () => is(false));
  });

function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return Promise.resolve();
  server.kill('SIGTERM');
  return new Promise((resolve) => server.once('exit', () => resolve()));
}

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
