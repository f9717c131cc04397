// The project's own client on the client's host of the guest: a tunnel on a TUN device.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Job, waitFor } from './commands.ts';
import { GATEWAY_NAME, on } from './guest-network.ts';

const PROGRAM = resolve(import.meta.dirname, '../../src/main.js');
const CONNECT_LIMIT_MS = 60_000;

export class ConnectedClient {
  static #count = 0;
  readonly #job: Job;

  private constructor(job: Job) {
    this.#job = job;
  }

  /** Resolves when the tunnel is up. `folder` holds cert.pem, and receives the client's log. */
  static async connect(folder: string, user: { name: string; password: string }): Promise<ConnectedClient> {
    const password = join(folder, 'password');
    writeFileSync(password, user.password, { mode: 0o600 });
    const trust = ['--ca', join(folder, 'cert.pem')];
    const credentials = ['--user', user.name, '--password-file', password];
    const argv = [PROGRAM, 'connect', ...trust, ...credentials, `https://${GATEWAY_NAME}`];
    const job = new Job(join(folder, `client${++ConnectedClient.#count}.log`), on('client', process.execPath, ...argv));
    await waitFor('a tunnel', CONNECT_LIMIT_MS, () => {
      if (job.ended !== undefined) throw new Error(`the client ended with ${job.ended}: ${job.output()}`);
      return job.output().includes(' is up');
    });
    return new ConnectedClient(job);
  }

  /** What it ended with; undefined while the tunnel is up. */
  get ended(): number | NodeJS.Signals | undefined {
    return this.#job.ended;
  }

  output(): string {
    return this.#job.output();
  }

  async end(): Promise<void> {
    this.#job.kill('SIGTERM');
    await this.#job.end(CONNECT_LIMIT_MS);
  }
}
