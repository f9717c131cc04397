// The gateway as a user runs it: `serve --config FILE` in a process of its own, watched through its log and its admin plane.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { GATEWAY_INSIDE, GATEWAY_OUTSIDE, POOL } from './guest-network.ts';
import { Job, waitFor } from './commands.ts';

const PROGRAM = resolve(import.meta.dirname, '../../src/main.js');
const ADMIN = '127.0.0.1:8080';
/** Node takes seconds to start in the guest, and the gateway starts it more than once: each worker is a thread with a module graph. */
const START_LIMIT_MS = 90_000;
/** Above the default drainTimeout of 10 s. */
const STOP_LIMIT_MS = 20_000;

/** The fields of a session in the admin plane's JSON that the guest looks at. */
export interface Session {
  readonly id: string;
  readonly user: string;
  readonly state: string;
  readonly auth: string | null;
  readonly tls: { readonly version: string };
  readonly ipv4: string | null;
  /** The prefix on the link. */
  readonly ipv6: string | null;
}

/** Top-level sections of the configuration file, as they stand there. */
export type ConfigSections = Readonly<Record<string, unknown>>;

export class GatewayProcess {
  readonly #job: Job;

  private constructor(job: Job) {
    this.#job = job;
  }

  /**
   * Resolves when the gateway says that it is ready. `folder` holds cert.pem and key.pem, and receives the files that are called `name`.
   * `sections` stand beside the sections here, or in their place.
   */
  static async start(folder: string, name: string, sections: ConfigSections): Promise<GatewayProcess> {
    const configFile = join(folder, `${name}.yaml`);
    // JSON is YAML.
    writeFileSync(
      configFile,
      JSON.stringify({
        listen: [{ address: `${GATEWAY_OUTSIDE}:443` }],
        tls: { certificates: [{ cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }] },
        workers: 2,
        stateDir: join('/run', name),
        network: { mode: 'tun', ipv4: { pool: [POOL], gateway: GATEWAY_INSIDE, dns: [GATEWAY_INSIDE] } },
        admin: { listen: ADMIN },
        log: { level: 'debug', format: 'json' },
        ...sections,
      }),
    );
    const job = new Job(join(folder, `${name}.log`), [process.execPath, PROGRAM, 'serve', '--config', configFile]);
    const gateway = new GatewayProcess(job);
    await waitFor('gateway ready', START_LIMIT_MS, async () => {
      if (job.ended !== undefined) throw new Error(`the gateway ended with ${job.ended}: ${job.output()}`);
      return await isReady();
    });
    return gateway;
  }

  async sessions(): Promise<Session[]> {
    const { sessions } = (await getJson('/api/v1/sessions')) as { sessions: Session[] };
    return sessions;
  }

  async leasedAddresses(): Promise<number> {
    const status = (await getJson('/api/v1/status')) as { pool: { leased: number } };
    return status.pool.leased;
  }

  /** Waits until the admin plane shows no session. */
  async idle(limitMs: number): Promise<void> {
    await waitFor('no session left', limitMs, async () => (await this.sessions()).length === 0);
  }

  log(): string {
    return this.#job.output();
  }

  /** The log's lines; what is not JSON was not written by the logger. */
  logEntries(): Record<string, unknown>[] {
    const lines = this.log().split('\n');
    return lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Record<string, unknown>);
  }

  /** Ends it as a service manager does. Resolves with its exit status. */
  async stop(): Promise<number | NodeJS.Signals> {
    this.#job.kill('SIGTERM');
    try {
      return await this.#job.end(STOP_LIMIT_MS);
    } finally {
      this.#job.kill('SIGKILL');
    }
  }
}

async function getJson(path: string): Promise<unknown> {
  const response = await fetch(`http://${ADMIN}${path}`);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return await response.json();
}

async function isReady(): Promise<boolean> {
  try {
    const response = await fetch(`http://${ADMIN}/readyz`);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
