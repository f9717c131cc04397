/** A real nginx (the Debian packages nginx and libnginx-mod-stream) that passes TCP on. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeTcpPort, untilListening } from './tcp-port.ts';

const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';

/** Why tests with nginx must be skipped here, or false. With CI=true nothing is skipped: what is missing fails. */
export function nginxUnavailable(): string | false {
  if (process.env['CI'] === 'true') return false;
  if (spawnSync('nginx', ['-v']).error !== undefined) return 'nginx (a Debian package) is not installed';
  return existsSync(STREAM_MODULE) ? false : 'libnginx-mod-stream (a Debian package) is not installed';
}

export class Nginx {
  readonly port: number;
  readonly #child: ReturnType<typeof spawn>;
  readonly #directory: string;

  /**
   * Resolves when it listens. Throws with what nginx says of a configuration that it refuses.
   * @param stream the section of that name, for a free port
   */
  static async start(stream: (port: number) => string): Promise<Nginx> {
    const port = await freeTcpPort();
    const directory = mkdtempSync(join(tmpdir(), 'sstp-gateway-nginx-'));
    writeFileSync(join(directory, 'stream.conf'), stream(port));
    const file = join(directory, 'nginx.conf');
    writeFileSync(
      file,
      `load_module ${STREAM_MODULE};
pid ${directory}/pid;
error_log stderr;
daemon off;
events {}
include ${directory}/stream.conf;
`,
    );
    const options = ['-p', directory, '-e', 'stderr', '-c', file];
    const { status, stderr } = spawnSync('nginx', ['-t', ...options], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    const child = spawn('nginx', options, { stdio: 'ignore' });
    // A test that fails half-way must not leave its proxy running. SIGKILL would leave its workers.
    const end = (): void => void child.kill('SIGTERM');
    process.once('exit', end);
    child.once('exit', () => process.off('exit', end));
    await untilListening({ host: '127.0.0.1', port }, () =>
      child.exitCode === null ? undefined : `nginx ended with ${child.exitCode}`,
    );
    return new Nginx(port, child, directory);
  }

  private constructor(port: number, child: ReturnType<typeof spawn>, directory: string) {
    this.port = port;
    this.#child = child;
    this.#directory = directory;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
    rmSync(this.#directory, { recursive: true });
  }
}
